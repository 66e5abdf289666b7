"""The verbs: English | German | subject | arguments | what else may stand there.

English and German: principal parts where they are irregular (English "write wrote written", a particle
after "+"; German "lesen liest las gelesen", a separable prefix before "/", "sich" before a reflexive verb and
"*" after one that forms its perfect with "sein").  Arguments, separated by ";": "acc TAGS", "dat TAGS"; with
an English preposition only "at:acc TAGS"; with prepositions in both languages "for>auf+acc TAGS"; "?" before
an optional one, "pl" for plurals only.  The last column: `in=` tags of places, `how=` classes of manner, and
flags.
"""

TABLE = """
# food and drink
eat ate eaten | essen isst aß gegessen | person | acc food-spread-sharp | in=home,inn,playground how=pace
eat ate eaten | fressen frisst fraß gefressen | pet | acc meat fish sausage | in=garden,kitchen how=pace
eat ate eaten | fressen frisst fraß gefressen | livestock | acc hay grass apple carrot | in=farmland \
      how=pace
eat ate eaten | fressen frisst fraß gefressen | predator | acc meat fish | in=wild how=pace
eat ate eaten | fressen frisst fraß gefressen | squirrel mouse hedgehog monkey | acc nut apple banana | \
      in=forest,garden how=pace
drink drank drunk | trinken trank getrunken | adult kin | acc drink | in=home,inn,garden how=pace
drink drank drunk | trinken trank getrunken | child | acc drink-alcohol-coffee | in=home,inn,garden how=pace
drink drank drunk | trinken trank getrunken | animal-insect | acc water milk | in=farmland,river how=pace
cook | kochen | adult kin | acc cookable potato carrot | in=kitchen,inn
bake | backen backt backte gebacken | baker mother father grandmother aunt woman sister queen | acc \
      baked | in=kitchen,bakery
cut cut cut | schneiden schnitt geschnitten | person-child | acc cuttable cake tomato onion sausage | \
      in=kitchen how=care
peel | schälen | person | acc potato carrot apple pear orange onion | in=kitchen how=pace,patience
order | bestellen | adult name kin | acc drink soup cake salad pancake ice_cream fish | in=inn
taste | probieren | person | acc soup cake cheese sausage honey jam salad | in=kitchen,restaurant,market \
      how=care
wash | waschen wäscht wusch gewaschen | person | acc clothing vehicle:road car towel blanket fruit | \
      in=garden,bathroom,farm how=effort
# trade and possession
buy bought bought | kaufen | person-thief | acc goods-large-alcohol-notgoods | in=shop,city
buy bought bought | kaufen | adult | acc drink | in=shop,city
buy bought bought | kaufen | kin adult name | dat child person-noble; acc toy book clothing ice_cream \
      bicycle flower ring gift | in=city nopron
sell sold sold | verkaufen | farmer baker gardener woman man fisherman neighbour | acc fruit vegetable \
      cheese honey flower egg bread | in=market,city,village
sell sold sold | verkaufen | adult uncle aunt neighbour | acc car bicycle house piano violin picture \
      boat horse furniture camera |
pay paid paid | bezahlen | adult name | for:acc drink soup ticket book lunch dinner bicycle coat |
need | brauchen | person | acc tool clothing ticket money bicycle map umbrella suitcase bed lamp | state
own | besitzen besaß besessen | adult uncle aunt neighbour name | acc house castle car boat horse dog \
      cat piano violin treasure bicycle farm camera book | state
lose lost lost | verlieren verlor verloren | person | acc losable glove cap scarf camera | \
      in=station,park,beach,city,forest unwilled
find found found | finden fand gefunden | person | acc losable treasure mushroom toy glove | \
      in=forest,beach,garden,street,cellar unwilled
look | suchen | person | for:acc losable map toy glove cap | in=home,station how=patience
forget forgot forgotten | vergessen vergisst vergaß vergessen | person | acc losable label secret answer \
      word | unwilled
steal stole stolen | stehlen stiehlt stahl gestohlen | thief | acc treasure car bicycle picture money \
      bag camera | in=city,museum,hotel how=secret
collect | sammeln | person | pl acc collectable nut mushroom stamp flower | in=forest,beach,meadow
count | zählen | person | pl acc coin star book egg bird stamp cow | how=pace
hide hid hidden | verstecken | person-noble | acc gift money key letter ring chocolate | \
      in=cellar,garden,bedroom how=secret
throw threw thrown +away | weg/werfen wirft warf geworfen | person | acc newspaper letter bottle shoe \
      ticket box |
rent | mieten | adult name | acc house car bicycle boat | in=city,village,Berlin
# giving and showing
give gave given | geben gibt gab gegeben | person | dat person; acc book letter toy key fruit gift money \
      flower ring ticket umbrella towel glass cup | in=home,station how=secret
give gave given | geben gibt gab gegeben | person | dat pet livestock; acc water milk apple | in=garden,farm
show showed shown | zeigen | person | dat person; acc picture photo map house garden city castle letter \
      book toy camera museum |
lend lent lent | leihen lieh geliehen | person-noble | dat person-noble; acc book bicycle umbrella \
      pencil money tool car jacket |
send sent sent | schicken | adult kin name | dat person; acc letter photo gift message book |
bring brought brought | bringen brachte gebracht | person | dat adult kin; acc drink soup newspaper \
      towel blanket letter cake plate glass | in=restaurant,garden,hotel
offer | an/bieten bot geboten | adult kin name | dat adult kin; acc drink cake chair chocolate soup | \
      in=inn,living_room how=polite
recommend | empfehlen empfiehlt empfahl empfohlen | adult kin name | to:dat adult kin; acc restaurant \
      hotel museum film book novel wine |
explain | erklären | teacher professor scientist engineer father mother lawyer doctor judge | to:dat \
      person; acc problem plan riddle word question idea map game | how=patience
introduce | vor/stellen | adult name kin | to:dat adult; acc friend colleague brother sister guest teacher |
return | zurück/geben gibt gab gegeben | person | to:dat person; acc book key money umbrella bicycle \
      pencil camera ring |
tell told told | erzählen | grandmother grandfather mother father teacher aunt uncle | dat child; acc \
      tellable | in=living_room,garden,bedroom
read read read | vor/lesen liest las gelesen | grandmother grandfather mother father teacher aunt sister \
      brother | dat child; acc letter literary | in=living_room,garden,bedroom nopron
write wrote written | schreiben schrieb geschrieben | person-noble | dat adult kin; acc letter message \
      poem | nopron
promise | versprechen verspricht versprach versprochen | mother father king uncle aunt teacher prince | \
      dat child princess queen daughter son; acc toy gift journey horse dog ring bicycle |
# texts and learning
read read read | lesen liest las gelesen | person | acc readable | \
      in=home,library,park,café,garden,beach how=pace,attention
write wrote written | schreiben schrieb geschrieben | adult kin name pupil | acc writable | \
      in=library,café,office how=pace
understand understood understood | verstehen verstand verstanden | person | acc question answer problem \
      plan language word idea poem film | unwilled semistate
learn | lernen | learner child name adult | acc language song poem word |
translate | übersetzen übersetzt übersetzte übersetzt | writer professor student teacher name | acc \
      letter poem novel report story song | in=office,library how=care,pace
answer | beantworten | person | acc question letter message | how=polite,patience
repeat | wiederholen wiederholt wiederholte wiederholt | learner teacher child actress singer | acc \
      question answer word label song | how=patience,voice
solve | lösen | person | acc problem riddle task | how=pace
discuss | besprechen bespricht besprach besprochen | adult name | acc plan problem report idea journey | \
      in=office,café
prepare | vor/bereiten | cook mother father waiter grandmother woman man | acc breakfast lunch dinner | \
      in=kitchen how=care
# perception and mind
see saw seen | sehen sieht sah gesehen | person | acc person animal ship castle tower train bicycle | \
      in=park,street,station,city,forest,beach unwilled
look | an/sehen sieht sah gesehen | person | at:acc picture photo map house castle clothing flower | \
      in=museum,city how=attention
observe | beobachten | person | acc animal star bird butterfly | in=forest,garden,meadow,park \
      how=attention,secret
photograph | fotografieren | tourist child name student man woman | acc building-bridge animal flower \
      bird bridge queen singer actress |
hear heard heard | hören | person | acc song dog bird wolf owl | in=forest,garden,park unwilled
know knew known | kennen kannte gekannt | person | acc person-thief museum song restaurant village \
      secret story | state
like | mögen mag mochte gemocht | person | acc animal-insect-predator food-onion drink clothing garden \
      song kin story picture toy | state
love | lieben | adult kin name child | acc kin child animal:pet dog cat horse flower | state
miss | vermissen | person | acc kin friend dog cat village | state
admire | bewundern | person | acc artist queen king castle picture garden teacher ring | state
invite | ein/laden lädt lud geladen | person-noble | acc kin friend guest colleague teacher name |
visit | besuchen | person | acc kin museum castle city patient colleague village island |
meet met met | treffen trifft traf getroffen | person | acc friend colleague kin name teacher doctor \
      actress | in=park,station,café,city,market,theatre
greet | begrüßen | person | acc guest teacher neighbour colleague customer mayor queen | how=polite
wake woke woken | wecken | mother father sister brother dog cat nurse | acc child son daughter patient \
      guest |
hug hugged hugged | umarmen umarmt umarmte umarmt | person | acc kin child-pupil | in=station,airport
call | an/rufen rief gerufen | person | acc doctor policeman kin colleague name lawyer |
pick +up | ab/holen | adult kin name | acc guest child kin tourist | in=transport
ask | fragen | person | acc teacher policeman waiter doctor mother father neighbour postman | how=polite \
      clause=whether
# dative verbs
help | helfen hilft half geholfen | person | dat person | in=home,workplace,garden
thank | danken | person | dat person; ?for>für+acc gift letter book flower dinner answer | how=polite
follow | folgen * | person dog cat | dat person dog cat | in=forest how=secret
answer | antworten | person | dat teacher person-child | how=polite,patience
listen | zu/hören | person | to:dat person singer teacher | how=attention,patience
trust | vertrauen | person | dat person-thief doctor | state
congratulate | gratulieren | person | dat person |
watch | zu/sehen sieht sah gesehen | person cat | dat child animal bird painter baker carpenter gardener \
      | in=garden,park how=attention
belong | gehören | clothing vehicle-transit house castle dog horse instrument book bicycle bag | to:dat \
      person | state
# prepositional verbs
wait | warten | person | for>auf+acc person transit guest letter answer | in=station,café,street,park \
      how=patience
think thought thought | denken dachte gedacht | person | of>an+acc kin journey exam friend wedding |
talk | sprechen spricht sprach gesprochen | person | about>über+acc film journey plan problem wedding \
      book exam | in=café,garden,office how=voice
talk | sprechen spricht sprach gesprochen | person | with>mit+dat person | in=café,park,street,market \
      how=voice
dream | träumen | person | of>von+dat journey island castle horse prince princess wedding |
laugh | lachen | person | about>über+acc story film song picture hat | how=voice
ask | bitten bat gebeten | person | acc waiter waitress mother father neighbour nurse grandmother; \
      for>um+acc drink-alcohol soup money pencil towel newspaper | how=polite
warn | warnen | hunter mother father teacher policeman farmer grandfather | acc child tourist boy girl; \
      of>vor+dat wolf bear snake storm thief |
play | spielen | child animal:pet dog cat | with>mit+dat toy dog cat ball | in=playground,living_room \
      how=mood
dance | tanzen | person | ?with>mit+dat person | in=playground,living_room how=mood,skill
fill | füllen | person | acc glass bottle bucket cup bowl; with>mit+dat water milk juice lemonade | how=care
take took taken +part | teil/nehmen nimmt nahm genommen | person-noble | in>an+dat game exam journey \
      wedding concert |
look | sich kümmern | person | after>um+acc child patient garden animal:pet dog horse grandmother guest |
look +forward | sich freuen | person | to>auf+acc journey wedding concert dinner film game gift |
remember | sich erinnern | person | >an+acc label journey story kin teacher song wedding |
complain | sich beschweren | guest customer neighbour tourist man woman patient | about>über+acc noise \
      soup hotel heat meat waiter | in=restaurant,hotel how=voice,polite
apologise | sich entschuldigen | person | to>bei+dat person | how=polite
# household and work
open | auf/machen | person | acc openable | how=care,pace,secret
close | zu/machen | person | acc openable-bottle | how=care
lock | ab/schließen schloss geschlossen | person | acc lockable cupboard suitcase house car |
turn +on | an/machen | person | acc switched |
turn +off | aus/machen | person | acc switched |
tidy +up | auf/räumen | person | acc room desk cupboard | how=effort
clean | putzen | person | acc window shoe kitchen bathroom boot bicycle mirror | how=effort
repair | reparieren | engineer carpenter father uncle man grandfather neighbour woman brother name | acc \
      vehicle-transit device roof door gate chair bench bicycle table | in=garden,cellar how=pace,patience
build built built | bauen | carpenter engineer man father uncle king | acc house boat bridge tower table \
      shelf bench chair | in=village how=pace
paint | malen | painter child name woman queen | acc picture flower horse | in=garden,park
draw drew drawn | zeichnen | child painter engineer name student | acc tree house animal map bridge \
      castle plan ship | how=care
plant | pflanzen | gardener farmer kin name | acc tree apple_tree rose tulip flower | in=garden,park
water | gießen goss gegossen | gardener kin woman girl boy name | acc flower rose tulip | in=garden
feed fed fed | füttern | farmer kin child name | acc animal:pet livestock bird-owl dog cat rabbit | \
      in=farm,garden,park
stroke | streicheln | person | acc dog cat horse pony rabbit donkey | how=care
pack | packen | person | acc suitcase bag box | how=pace
unpack | aus/packen | person | acc suitcase gift box bag | how=pace,care
choose chose chosen | aus/suchen | person | acc dress gift book coat ring film hat cake | in=city
break broke broken | zerbrechen zerbricht zerbrach zerbrochen | child waiter waitress cat monkey guest | \
      acc dish-pot vase bottle mirror | unwilled in=kitchen
light lit lit | an/zünden | person | acc candle | in=church,living_room
wear wore worn | tragen trägt trug getragen | man woman name boy girl teacher doctor king queen guest | \
      acc clothing-pair-feminine | semistate
carry | tragen trägt trug getragen | person | acc suitcase basket box bag chair bucket ladder table; \
      ?into>in+acc house room garden | how=pace,care
bring brought brought +along | mit/bringen brachte gebracht | person | acc cake friend gift wine guitar \
      camera flower salad dog sister |
play | spielen | person | instrument instrument | in=living_room,school,church how=skill
sing sang sung | singen sang gesungen | person | acc song | in=church,garden,theatre how=voice,skill,mood
# no object
sleep slept slept | schlafen schläft schlief geschlafen | person | | \
      in=bed,bedroom,living_room,hotel,garden how=duration,skill
sleep slept slept | schlafen schläft schlief geschlafen | pet | | \
      in=garden,sofa,armchair,kitchen,living_room how=duration
sleep slept slept | schlafen schläft schlief geschlafen | livestock | | in=farm,meadow how=duration
sleep slept slept | schlafen schläft schlief geschlafen | predator little | | in=forest how=duration
work | arbeiten | adult neighbour uncle aunt name | | in=workplace,garden,library how=effort,alone,duration
work | arbeiten | farmer gardener | | in=farmland,garden,park how=alone
shop shopped shopped | ein/kaufen | adult kin name | | in=supermarket,city,market how=alone
sing sang sung | singen sang gesungen | person | | in=church,garden,theatre,bathroom,kitchen \
      how=voice,skill,mood
swim swam swum | schwimmen schwamm geschwommen * | child tourist soldier name fisherman | ?in>in+dat \
      lake river | how=skill,alone,pace
laugh | lachen | person | | how=voice
smile | lächeln | person | |
cry cried cried | weinen | child princess patient woman actress | | in=bedroom,garden how=voice unwilled
run ran run | laufen läuft lief gelaufen * | person dog cat horse | to>zu+dat goal tree house | how=pace
run ran run | laufen läuft lief gelaufen * | dog cat child | into>in+acc forest garden house \
      kitchen | how=pace
run ran run | laufen läuft lief gelaufen * | horse fox rabbit | into>in+acc forest garden | how=pace
go went gone | gehen ging gegangen * | person | to>zu+dat goal | how=alone,pace
go went gone | gehen ging gegangen * | person | into>in+acc kitchen garden forest city room park cellar \
      | how=alone
drive drove driven | fahren fährt fuhr gefahren * | adult name kin | to>nach+dat town | how=alone,pace
drive drove driven | fahren fährt fuhr gefahren * | adult name kin | to>zu+dat station airport hospital \
      office supermarket beach lake factory | how=pace,alone
travel travelled travelled | reisen * | adult name kin | to>nach+dat town | how=alone
come came come +back | zurück/kommen kam gekommen * | person | from>aus+dat city town forest school \
      theatre office | how=pace
live | wohnen | person | in>in+dat house castle village town city hotel | state
arrive | an/kommen kam gekommen * | train bus aeroplane ship | in>in+dat town | unwilled
arrive | an/kommen kam gekommen * | guest tourist name kin | in>in+dat town | unwilled
get got got +up | auf/stehen stand gestanden * | person | | how=pace
wake woke woken +up | auf/wachen * | person | | unwilled
fall fell fallen +asleep | ein/schlafen schläft schlief geschlafen * | person cat dog | | \
      in=armchair,sofa,bench,garden,bed how=pace unwilled
get got got +dressed | sich an/ziehen zog gezogen | child name man woman king actress | | \
      in=bedroom,bathroom how=pace
rest | sich aus/ruhen | person | | in=garden,living_room,bench,beach,sofa how=duration
hurry | sich beeilen | person | |
sit sat sat +down | sich setzen | person cat | on>auf+acc seat-armchair |
sit sat sat | sitzen saß gesessen | person | on>auf+dat seat-armchair roof | how=duration semistate
sit sat sat | sitzen saß gesessen | cat monkey | on>auf+dat roof seat-armchair table shelf | semistate
sit sat sat | sitzen saß gesessen | flier:bird squirrel | on>auf+dat roof bench | semistate
lie lay lain | liegen lag gelegen | book letter newspaper key knife pencil map glove | on>auf+dat \
      surface carpet bed sofa | state
stand stood stood | stehen stand gestanden | bottle cup vase lamp bowl basket | on>auf+dat surface-shelf \
      shelf | state
hang hung hung | hängen hing gehangen | picture mirror clock map photo | on>an+dat wall | state
put put put | stellen | person | acc standing-bucket-lamp lamp bottle; on>auf+acc surface | how=care motion
put put put | stellen | person | acc standing-lamp bucket; beside>neben+acc bed table door lamp cupboard \
      | how=care motion
lay laid laid | legen | person | acc book letter newspaper key knife pencil map glove blanket towel; \
      on>auf+acc surface-cupboard bed chair | how=care motion
lay laid laid | legen | person | acc key letter money ring map photo towel; under>unter+acc bed carpet \
      pillow box | how=secret motion
put put put | stecken | person | acc key letter money ring pencil glove ticket; into>in+acc bag suitcase \
      jacket coat | how=pace,secret
hang hung hung +up | auf/hängen | person | acc picture coat mirror map jacket towel clock | \
      in=living_room,kitchen,bathroom,bedroom
climb | klettern * | boy girl child monkey cat squirrel bear | onto>auf+acc tree roof |
jump | springen sprang gesprungen * | cat dog squirrel monkey frog child | onto>auf+acc table bench sofa \
      bed stone |
ride rode ridden | reiten ritt geritten * | king queen prince princess farmer girl boy | \
      through>durch+acc forest village park | how=pace,alone
walk | gehen ging gegangen * | person | through>durch+acc park city forest garden village museum | \
      how=pace,alone
fly flew flown | fliegen flog geflogen * | flier | over>über+acc house lake forest garden tree field \
      roof meadow | how=pace
fly flew flown | fliegen flog geflogen * | pilot name tourist | to>nach+dat town |
chase | jagen | dog cat | acc mouse rabbit duck goose squirrel | in=garden,meadow,field
chase | jagen | fox wolf | acc mouse rabbit duck goose | in=forest,meadow,field
catch caught caught | fangen fängt fing gefangen | cat fox owl eagle | acc mouse bird-eagle-owl rabbit \
      frog | in=garden,field,forest how=pace
catch caught caught | fangen fängt fing gefangen | child name dog monkey | acc ball |
hunt | jagen | hunter king | acc wolf bear fox | in=forest
bark | bellen | dog | | in=garden,street,farm how=voice
cross | überqueren überquert überquerte überquert | person dog horse | acc street bridge river | \
      how=pace,care
enter | betreten betritt betrat betreten | person | acc house room church castle museum restaurant \
      library | how=voice
leave left left | verlassen verlässt verließ verlassen | person | acc house city village castle hotel \
      room office island | how=secret,pace
protect | schützen | dog soldier king policeman hunter | acc child princess village house queen; \
      from>vor+dat wolf thief storm bear |
decorate | schmücken | woman girl queen waitress name nurse gardener | acc table house church window \
      room-cellar; with>mit+dat blossom candle |
surprise | überraschen überrascht überraschte überrascht | kin child adult name | acc kin friend teacher \
      colleague; with>mit+dat gift cake flower |
# clauses
know knew known | wissen weiß wusste gewusst | person | | state clause=that,whether clauseonly
believe | glauben | person | | state clause=that clauseonly
say said said | sagen | person | | clause=that clauseonly
think thought thought | denken dachte gedacht | person | | clause=that state clauseonly
hope | hoffen | person | | clause=that,to state clauseonly
notice | bemerken | person | | clause=that unwilled clauseonly
write wrote written | schreiben schrieb geschrieben | adult kin name | dat kin friend colleague | \
      clause=that clauseonly
tell told told | erzählen | person | dat person | clause=that clauseonly
ask | fragen | person | acc person | clause=whether clauseonly
promise | versprechen verspricht versprach versprochen | person | dat person | clause=to clauseonly
try tried tried | versuchen | person | | clause=to clauseonly
begin began begun | an/fangen fängt fing gefangen | person | | clause=to clauseonly
decide | beschließen beschloss beschlossen | person | | clause=to clauseonly
plan planned planned | planen | person-child | | clause=to clauseonly
forget forgot forgotten | vergessen vergisst vergaß vergessen | person | | clause=to unwilled clauseonly
ask | bitten bat gebeten | person | acc person | clause=object-to clauseonly
allow | erlauben | parent kin teacher king doctor queen mother father | dat child learner patient | \
      clause=object-to clauseonly
help | helfen hilft half geholfen | person | dat person | clause=object-to clauseonly
"""

# Verbs that the general pattern does not draw: weather, measures.
SPECIAL = """
rain | regnen | weather
snow | schneien | weather
shine shone shone | scheinen schien geschienen | sun
cost cost cost | kosten | thing-notgoods | acc euro
take took taken | dauern | trip show watched exam lesson game | acc hour minute
"""
