# How a training starts: in one process, one process a GPU of this machine, or on all nodes of a Slurm job. Source it.
#
# PROCESSES   processes a node; by default one a GPU, or one on the CPU (which CUDA_VISIBLE_DEVICES="" chooses)
# PRECISION   auto (the default: mixed where the GPU has fast half precision), fp32, amp, fp16

PROCESSES=${PROCESSES:-} PRECISION=${PRECISION:-auto} COUNTED_GPUS=

declare -F fail >/dev/null || fail() { printf 'error: %s\n' "$*" >&2; exit 2; }

# devices: GPUs that a training may use here; COUNTED_GPUS if they were counted before. torch counts them: it knows
# CUDA_VISIBLE_DEVICES, and a driver is of no use to a torch that was built without CUDA.
devices() {
  [[ -z $COUNTED_GPUS ]] || { echo "$COUNTED_GPUS"; return; }
  python -c 'import torch; print(torch.cuda.device_count() if torch.cuda.is_available() else 0)'
}

# processes [GPUS]: processes that take part in a training, on all nodes.
processes() {
  local gpus here
  gpus=${1:-$(devices)} || return
  here=${PROCESSES:-$((gpus > 1 ? gpus : 1))}
  [[ $here =~ ^[1-9][0-9]*$ ]] || fail "PROCESSES must be a number from 1, not $here"
  ((gpus == 0 || here <= gpus)) || fail "PROCESSES must be at most $gpus, the number of GPUs, not $here"
  echo $((here * ${SLURM_JOB_NUM_NODES:-1}))
}

# batch TOKENS MAX_TOKENS PROCESSES: flags with which an update sees TOKENS tokens, whatever the number of processes:
# as few batches as MAX_TOKENS allows, all of one size. At most (batches an update - 1) tokens are lost to rounding.
batch() {
  local number batches
  for number in "$@"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || fail "tokens and processes must be numbers from 1, not $number"
  done
  (($1 >= $3)) || fail "an update of $1 tokens cannot be shared by $3 processes"
  batches=$((($1 + $2 * $3 - 1) / ($2 * $3)))
  echo "--max-tokens $(($1 / (batches * $3))) --update-freq $batches"
}

# precision: flags for mixed precision. Not --bf16: in fairseq it implies --tpu.
precision() {
  local wanted=$PRECISION capability=0
  [[ $wanted =~ ^(auto|fp32|amp|fp16)$ ]] || fail "PRECISION must be auto, fp32, amp or fp16, not $wanted"
  [[ $wanted != fp32 ]] || return 0
  if [[ $(devices) != 0 ]]; then
    capability=$(python -c 'import torch.cuda as cuda
print(min(cuda.get_device_capability(gpu)[0] for gpu in range(cuda.device_count())))') || return
  fi
  if [[ $wanted == auto ]]; then
    ((capability < 7)) || echo --amp
  else
    ((capability > 0)) || fail "PRECISION=$wanted needs a GPU that torch can use; here it sees none"
    echo "--$wanted"
  fi
}

# launch_training FLAGS...: fairseq-train with FLAGS in all processes. Each process is told its place: what fairseq
# works out by itself is wrong for nodes of one GPU (no process group) and without GPUs (a division by their number).
# Takes the place of the shell that calls it, so that a signal to that one reaches the training.
launch_training() {
  local gpus all nodes=${SLURM_JOB_NUM_NODES:-1} here threads hosts first port worker
  gpus=$(devices) || return
  all=$(processes "$gpus") || return
  trap '' INT # Ctrl-C goes to all processes: the recipe makes of it what a training understands
  export TORCHELASTIC_SIGNALS_TO_HANDLE=SIGTERM
  if ((all == 1)); then
    exec fairseq-train "$@" --distributed-world-size 1
  fi
  # On the CPU the default, pytorch_ddp, asks for GPU numbers.
  ((gpus > 0)) || set -- "$@" --cpu --distributed-backend gloo --ddp-backend legacy_ddp
  worker='trap "" INT; exec fairseq-train "$@" --distributed-init-method env:// --distributed-no-spawn --device-id "$LOCAL_RANK" \
    --distributed-rank "$RANK" --distributed-world-size "$WORLD_SIZE"'
  here=$((all / nodes))
  threads=$((${OMP_NUM_THREADS:-1} > here ? OMP_NUM_THREADS / here : 1))
  set -- --no-python --nproc-per-node "$here" bash -c "$worker" fairseq-train "$@"
  if ((nodes == 1)); then
    export OMP_NUM_THREADS=$threads
    trap '' USR1 # torchrun would die of it; the processes that it starts save
    exec torchrun --standalone "$@"
  fi
  # One torchrun a node. They meet on the first node, at a port drawn here, and know each other by Slurm's node names.
  # Slurm hands --cpus-per-task to sbatch only, not on to srun.
  hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST") || return
  read -r first <<<"$hosts"
  port=$((20000 + RANDOM % 10000))
  export OMP_NUM_THREADS=$threads
  exec srun --nodes "$nodes" --ntasks "$nodes" --ntasks-per-node 1 --kill-on-bad-exit=1 \
    ${SLURM_CPUS_PER_TASK:+--cpus-per-task "$SLURM_CPUS_PER_TASK"} \
    bash -c 'trap "" USR1; exec torchrun --local-addr "$SLURMD_NODENAME" "$@"' torchrun --nnodes "$nodes" --rdzv-backend c10d \
    --rdzv-endpoint "$first:$port" --rdzv-id "$SLURM_JOB_ID-$port" "$@"
}

# attend TRAINING PID: waits for the background pipeline whose first process is TRAINING and whose last is PID. What asks
# this shell to stop meanwhile asks the training, which saves and ends.
attend() {
  local code
  trap "kill -TERM $1 2>/dev/null" INT TERM USR1
  while wait "$2" && code=0 || code=$?; ((code > 128)) && kill -0 "$2" 2>/dev/null; do :; done
  trap - INT TERM USR1
  return "$code"
}

# failure LOG: the line in the end of LOG that says why a training failed. Not what that did to the other processes,
# nor torchrun's report, unless there is nothing else.
failure() {
  local pattern effects='ChildFailedError|closed by peer|^srun: error: .*: tasks? |^slurmstepd.* STEP '
  for pattern in '(Error|Exception|error): ' 'Signal [0-9]+ ' '^[^ =-]' .; do
    tail -n 200 "$1" | grep -aE "$pattern" | grep -avE "$effects" | tail -n 1 | cut -c 1-300 | grep -a . && return
  done
  echo "$1 says nothing"
}
