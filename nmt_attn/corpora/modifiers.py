"""Adjectives, adverbials, modals and connectives.

Adjectives: English and comparative | German, comparative | tags of the nouns they fit. A comparative that
is left out is regular ("more ..." in English, -er in German); `a=STEM` is an irregular form before endings
and `s=STEM` an irregular superlative.
"""

from nmt_attn.corpora.lexemes import Connective, Modal

QUALITIES = """
    old older | alt älter | person-child animal-insect thing-food-cash-tool building settlement \
      plant:tall park farm bridge
    young younger | jung jünger | adult person:child animal
    tall taller | groß größer s=größt | adult child
    big bigger | groß größer s=größt | animal vehicle container furniture room building settlement park \
      garden outdoors:farm lake fruit vegetable cake picture
    small smaller | klein | animal child vehicle container furniture room building settlement park \
      garden lake island thing:toy fruit vegetable gift device tool garden
    new newer | neu s=neuest | clothing furniture device tool vehicle container instrument \
      building-castle-church-tower book novel film toy blanket pillow towel
    beautiful | schön | woman girl queen princess actress clothing building garden park village city \
      flower rose tulip picture photo vase song poem lake beach island ring bird butterfly horse
    ugly uglier | hässlich | clothing building-church furniture vase picture
    expensive | teuer a=teur | clothing furniture device vehicle instrument hotel restaurant ring wine \
      vase camera
    cheap cheaper | billig | clothing furniture device bicycle hotel restaurant ticket wine
    heavy heavier | schwer | container:storage furniture box suitcase basket bag ladder stone piano
    broken | kaputt | device vehicle-transit bicycle umbrella toy chair bed guitar violin
    clean cleaner | sauber | clothing dish room towel blanket window
    dirty dirtier | schmutzig | clothing dish room towel window vehicle-vessel street
    long longer | lang länger | letter novel poem story report street bridge journey film coat dress \
      scarf skirt snake ladder river
    short shorter | kurz kürzer | letter poem story report film coat dress skirt message journey
    thick thicker | dick | book novel coat sweater blanket scarf carpet
    warm warmer | warm wärmer | clothing:coat coat jacket sweater blanket soup milk room bed pancake scarf
    cold colder | kalt kälter | water milk juice lemonade beer soup room lake river
    fresh fresher | frisch | fruit vegetable bread fish milk salad butter juice egg cheese
    sweet sweeter | süß | fruit-unsweet-sour cake honey lemonade pancake jam
    delicious | köstlich | soup cake salad pancake cheese chocolate sausage dinner lunch
    ripe riper | reif | fruit-unsweet tomato
    empty emptier | leer | bottle glass cup box basket bucket house room street church suitcase pot
    friendly friendlier | freundlich | adult kin child dog
    polite politer | höflich | child waiter waitress policeman guest student
    clever cleverer | klug klüger | person-name animal:fox fox dog monkey plan idea answer owl
    lazy lazier | faul | pupil student boy cat donkey dog son
    hard-working | fleißig | pupil student girl gardener cook baker farmer daughter bee
    hungry hungrier | hungrig | child student guest fisherman animal-insect
    thirsty thirstier | durstig | child mount cow goat dog
    tired | müde a=müd | person-name animal:mount mount dog
    sad sadder | traurig | person-name story song film poem
    happy happier | glücklich | person-name
    angry angrier | wütend | person-name-artist dog
    curious | neugierig | person-name cat monkey squirrel
    nervous | nervös | person-name-noble-child horse pupil
    cheerful | fröhlich | person-name-thief
    honest | ehrlich | adult-thief kin
    strict stricter | streng strenger | parent teacher judge professor elder queen
    generous | großzügig | adult-thief-student kin
    shy shyer | schüchtern | child student nurse prince princess
    experienced | erfahren s=erfahrenst | job-noble-thief
    talented | begabt s=begabtest | artist learner carpenter engineer
    lonely lonelier | einsam | elder writer king hunter woman man princess
    elegant | elegant s=elegantest | woman man queen actress dress coat hat hotel
    careful | vorsichtig | job-noble-thief-postman hedgehog mouse
    brave braver | mutig | child soldier hunter prince princess policeman fisherman
    proud prouder | stolz s=stolzest | parent king queen teacher noble kin
    rich richer | reich | adult-learner uncle aunt neighbour
    poor poorer | arm ärmer | artist farmer student fisherman man woman hunter
    famous | berühmt s=berühmtest | artist learned museum restaurant castle picture novel song book
    strong stronger | stark stärker | job-noble man horse bear lion soldier
    sick sicker | krank kränker | person-name-job-noble animal:pet cat dog horse cow
    wild wilder | wild s=wildest | predator owl eagle
    quiet quieter | ruhig | street village park beach forest island lake room-kitchen hotel
    loud louder | laut | street restaurant washing_machine
    high higher | hoch a=hoh höher s=höchst | tower mountain bridge ladder
    dangerous | gefährlich | predator snake river mountain journey plan
    modern | modern | building-castle-tower-church furniture kitchen device-clock
    comfortable | bequem | seat bed shoe hotel
    exciting | spannend s=spannendst | book novel story film game journey fairy_tale
    boring | langweilig | book novel film report lesson letter game magazine
    interesting | interessant s=interessantest | readable film question museum idea answer
    funny funnier | lustig | story film song hat picture letter monkey
    difficult | schwierig | question exam riddle problem language word
    simple simpler | einfach | question riddle plan task dinner lunch word
    valuable | wertvoll | treasure vase picture book violin stamp clock
    sharp sharper | scharf schärfer | blade
    useful | nützlich | tool map camera device-television word language
    bright brighter | hell | lamp room star living_room
    dark darker | dunkel a=dunkl dunkler | room forest street church coat
    round rounder | rund s=rundest | table mirror tower carpet stone
    deep deeper | tief | lake river cellar
    green-eyed | grünäugig | cat
"""

COLOURS = """
    red redder | rot röter | clothing vehicle flower rose tulip ball apple cup blanket pillow carpet \
      armchair sofa umbrella bag
    blue bluer | blau | clothing vehicle-transit flower vase cup bowl blanket towel carpet pillow ball \
      suitcase umbrella butterfly door
    green greener | grün | clothing-ring bicycle bottle apple pencil door armchair sofa frog bag meadow
    yellow yellower | gelb | clothing flower tulip rose pencil umbrella bucket butterfly ball lamp tram lemon
    black blacker | schwarz schwärzer | clothing cat dog horse cow bird car suitcase umbrella coffee tea \
      piano bag goat
    white whiter | weiß | clothing horse cat rabbit goose cow goat rose tulip house shelf cupboard towel \
      blanket plate cup wall ship
    brown browner | braun | clothing bear horse dog cow suitcase bag bench cupboard egg
    grey greyer | grau | clothing-feminine donkey cat wolf mouse stone rabbit elephant goose
    wooden | hölzern a=hölzern | chair bench table spoon box bridge ladder door house gate
"""

# Adverbials: English | German | links (left out where word n goes with word n, or one word with all) | tags
TIMES = """
    today | heute | | present past future perfect short
    now | jetzt | | present short
    yesterday | gestern | | past short
    tomorrow | morgen | | future short
    soon | bald | | future short
    next week | nächste Woche | | future
    next month | nächsten Monat | | future
    last week | letzte Woche | | past
    last year | letztes Jahr | | past
    every day | jeden Tag | | present habit
    every morning | jeden Morgen | | present habit
    every evening | jeden Abend | | present habit
    in the morning | am Morgen | 0-0 1-0 2-1 | present past habit
    in the afternoon | am Nachmittag | 0-0 1-0 2-1 | present past habit
    in the evening | am Abend | 0-0 1-0 2-1 | present past habit
    at night | in der Nacht | 0-0 0-1 1-2 | past habit
    in summer | im Sommer | | present past habit future
    in winter | im Winter | | present past habit future
    in spring | im Frühling | | present past habit
    in autumn | im Herbst | | present past habit
    at the weekend | am Wochenende | 0-0 1-0 2-1 | present past future
    on Monday | am Montag | | past future
    on Wednesday | am Mittwoch | | past future
    on Friday | am Freitag | | past future
    on Saturday | am Samstag | | past future
    on Sunday | am Sonntag | | past future
"""

FREQUENCIES = """
    often | oft | | past
    always | immer | | past
    sometimes | manchmal | | past
    seldom | selten | | past
    usually | meistens | |
"""

MANNERS = """
    slowly | langsam | | pace
    quickly | schnell | | pace effort
    carefully | vorsichtig | | care
    patiently | geduldig | | patience
    quietly | leise | | voice
    loudly | laut | | voice
    happily | fröhlich | | mood
    secretly | heimlich | | secret
    thoroughly | gründlich | | effort
    politely | höflich | | polite
    attentively | aufmerksam | | attention
    alone | allein | | alone
    well | gut | | skill
    for a long time | lange | | duration
"""

NEGATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "not": (("not",), ("nicht",)),
    "never": (("never",), ("nie",)),
    "already": (("already",), ("schon",)),
    "not yet": (("not", "yet"), ("noch", "nicht")),
}

MODALS = {
    "can": Modal(("can",), "können"),
    "must": Modal(("must",), "müssen"),
    "should": Modal(("should",), "sollen"),
    "want": Modal(("want", "to"), "wollen"),
    "would like": Modal(("would", "like", "to"), "möchten"),
    "be allowed": Modal(("be", "allowed", "to"), "dürfen"),
    "like": Modal(("like", "to"), "gern"),
}

CONNECTIVES = {
    name: Connective(tuple(name.split()), tuple(german.split()))
    for name, german in (
        ("because", "weil"),
        ("although", "obwohl"),
        ("if", "wenn"),
        ("when", "als"),
        ("while", "während"),
        ("before", "bevor"),
        ("after", "nachdem"),
        ("until", "bis"),
        ("as soon as", "sobald"),
        ("so that", "damit"),
        ("that", "dass"),
        ("whether", "ob"),
        ("why", "warum"),
        ("where", "wo"),
        ("how", "wie"),
    )
}

OPPOSITES = frozenset(
    frozenset(pair.split("/"))
    for pair in [
        "clean/dirty",
        "big/small",
        "tall/small",
        "old/new",
        "old/young",
        "cheap/expensive",
        "long/short",
        "warm/cold",
        "happy/sad",
        "beautiful/ugly",
        "quiet/loud",
        "poor/rich",
        "bright/dark",
        "boring/exciting",
        "boring/interesting",
        "difficult/simple",
        "cheerful/sad",
        "lazy/hard-working",
        "friendly/angry",
        "broken/new",
        "cheap/valuable",
        "cheerful/angry",
        "happy/angry",
    ]
)
