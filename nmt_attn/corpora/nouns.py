"""The nouns: English and plural | German with article | German plural | tags and exceptions.

A regular English plural is left out; "-" stands for "no plural". `weak` marks the n-declension
(`weak=FORM` where the oblique form is not the plural), `gen=FORM` an irregular genitive, and `at=E>G`
the prepositions of location ("in" in both languages unless told).
"""

SECTIONS: dict[str, str] = {
    "kin person": """
        mother | die Mutter | Mütter | parent
        father | der Vater | Väter | parent
        brother | der Bruder | Brüder
        sister | die Schwester | Schwestern
        grandmother | die Großmutter | Großmütter | elder
        grandfather | der Großvater | Großväter | elder
        uncle | der Onkel | Onkel
        aunt | die Tante | Tanten
        son | der Sohn | Söhne | gen=Sohnes
        daughter | die Tochter | Töchter
        friend | der Freund | Freunde
        neighbour | der Nachbar | Nachbarn | weak
    """,
    "child person": """
        child/children | das Kind | Kinder
        boy | der Junge | Jungen | weak
        girl | das Mädchen | Mädchen | female
        pupil | der Schüler | Schüler | learner
    """,
    "adult person": """
        man/men | der Mann | Männer
        woman/women | die Frau | Frauen
        student | der Student | Studenten | weak learner
        guest | der Gast | Gäste
        tourist | der Tourist | Touristen | weak
        customer | der Kunde | Kunden | weak
        colleague | der Kollege | Kollegen | weak
        patient | der Patient | Patienten | weak
    """,
    "job adult person": """
        teacher | der Lehrer | Lehrer | learned
        doctor | der Arzt | Ärzte | learned
        nurse | die Krankenschwester | Krankenschwestern
        baker | der Bäcker | Bäcker
        cook | der Koch | Köche | gen=Kochs
        waiter | der Kellner | Kellner
        waitress | die Kellnerin | Kellnerinnen
        farmer | der Bauer | Bauern | weak
        gardener | der Gärtner | Gärtner
        hunter | der Jäger | Jäger
        fisherman/fishermen | der Fischer | Fischer
        carpenter | der Tischler | Tischler
        engineer | der Ingenieur | Ingenieure | learned
        lawyer | der Anwalt | Anwälte | learned gen=Anwalts
        judge | der Richter | Richter | learned
        policeman/policemen | der Polizist | Polizisten | weak
        soldier | der Soldat | Soldaten | weak
        pilot | der Pilot | Piloten | weak
        postman/postmen | der Briefträger | Briefträger
        painter | der Maler | Maler | artist
        musician | der Musiker | Musiker | artist
        singer | der Sänger | Sänger | artist
        actress | die Schauspielerin | Schauspielerinnen | artist
        writer | der Schriftsteller | Schriftsteller | artist learned
        professor | der Professor | Professoren | learned
        scientist | der Wissenschaftler | Wissenschaftler | learned
        mayor | der Bürgermeister | Bürgermeister
        king | der König | Könige | noble
        queen | die Königin | Königinnen | noble
        prince | der Prinz | Prinzen | noble weak
        princess | die Prinzessin | Prinzessinnen | noble
        thief/thieves | der Dieb | Diebe
    """,
    "animal": """
        dog | der Hund | Hunde | pet
        cat | die Katze | Katzen | pet
        horse | das Pferd | Pferde | livestock mount
        pony/ponies | das Pony | Ponys | livestock mount
        donkey | der Esel | Esel | livestock mount
        cow | die Kuh | Kühe | livestock
        pig | das Schwein | Schweine | livestock
        goat | die Ziege | Ziegen | livestock
        duck | die Ente | Enten | bird
        goose/geese | die Gans | Gänse | bird
        bird | der Vogel | Vögel | bird flier
        owl | die Eule | Eulen | bird flier
        eagle | der Adler | Adler | bird flier
        mouse/mice | die Maus | Mäuse | little
        rabbit | das Kaninchen | Kaninchen | pet little
        hedgehog | der Igel | Igel | little
        squirrel | das Eichhörnchen | Eichhörnchen | little
        fox | der Fuchs | Füchse | predator
        wolf/wolves | der Wolf | Wölfe | predator
        bear | der Bär | Bären | weak predator
        lion | der Löwe | Löwen | weak predator
        elephant | der Elefant | Elefanten | weak exotic
        monkey | der Affe | Affen | weak exotic
        frog | der Frosch | Frösche | little
        snake | die Schlange | Schlangen | exotic
        butterfly | der Schmetterling | Schmetterlinge | insect flier
        bee | die Biene | Bienen | insect flier
    """,
    "fruit food goods": """
        apple | der Apfel | Äpfel
        pear | die Birne | Birnen
        banana | die Banane | Bananen
        orange | die Orange | Orangen
        lemon | die Zitrone | Zitronen | sour
        cherry | die Kirsche | Kirschen | berry
        strawberry | die Erdbeere | Erdbeeren | berry
        plum | die Pflaume | Pflaumen | berry
        nut | die Nuss | Nüsse | unsweet
    """,
    "vegetable food goods": """
        potato | die Kartoffel | Kartoffeln | warmdish
        tomato | die Tomate | Tomaten
        carrot | die Karotte | Karotten | warmdish
        onion | die Zwiebel | Zwiebeln | sharp
        mushroom | der Pilz | Pilze
    """,
    "meal food goods": """
        egg | das Ei | Eier | gen=Eies cookable
        cake | der Kuchen | Kuchen | baked sweet
        pancake | der Pfannkuchen | Pfannkuchen | sweet warmdish
        bread roll | das Brötchen | Brötchen | baked
        biscuit | der Keks | Kekse | baked sweet
        sausage | die Wurst | Würste | warmdish meaty
        soup | die Suppe | Suppen | warmdish cookable liquid
        salad | der Salat | Salate
        bread | das Brot | - | baked cuttable
        meat | das Fleisch | - | warmdish cookable cuttable meaty
        cheese | der Käse | - | cuttable
        fish | der Fisch | - | warmdish cookable meaty
        rice | der Reis | - | warmdish cookable
        honey | der Honig | - | sweet
        chocolate | die Schokolade | - | sweet
        butter | die Butter | - | spread
        jam | die Marmelade | - | sweet
        ice cream | das Eis | - | sweet icy gen=Eises
    """,
    "fodder": """
        hay | das Heu | - |
        grass | das Gras | - | gen=Grases
    """,
    "drink goods": """
        water | das Wasser | - | clearwater
        milk | die Milch | - | warmable
        coffee | der Kaffee | - | warmable
        tea | der Tee | - | warmable
        wine | der Wein | - | alcohol
        beer | das Bier | - | alcohol
        juice | der Saft | - | sweetdrink
        lemonade | die Limonade | - | sweetdrink
    """,
    "readable thing goods": """
        book | das Buch | Bücher
        newspaper | die Zeitung | Zeitungen | periodical
        magazine | die Zeitschrift | Zeitschriften | periodical
        novel | der Roman | Romane | gen=Romans writable literary
        letter | der Brief | Briefe | writable personal notgoods
        poem | das Gedicht | Gedichte | writable literary notgoods
        story | die Geschichte | Geschichten | writable literary tellable notgoods
        fairy tale | das Märchen | Märchen | writable literary tellable notgoods
        report | der Bericht | Berichte | gen=Berichts writable notgoods
        message | die Nachricht | Nachrichten | writable personal notgoods
    """,
    "clothing thing goods": """
        hat | der Hut | Hüte | headwear
        cap | die Mütze | Mützen | headwear
        coat | der Mantel | Mäntel
        jacket | die Jacke | Jacken
        shirt | das Hemd | Hemden
        dress | das Kleid | Kleider | feminine
        skirt | der Rock | Röcke | feminine
        blouse | die Bluse | Blusen | feminine
        sweater | der Pullover | Pullover
        scarf/scarves | der Schal | Schals | gen=Schals
        shoe | der Schuh | Schuhe | pair
        boot | der Stiefel | Stiefel | pair
        glove | der Handschuh | Handschuhe | pair gen=Handschuhs
    """,
    "furniture thing goods": """
        table | der Tisch | Tische | surface under at=on>auf
        chair | der Stuhl | Stühle | seat under at=on>auf
        bench | die Bank | Bänke | seat under at=on>auf
        sofa | das Sofa | Sofas | seat at=on>auf
        armchair | der Sessel | Sessel | seat at=in>in
        bed | das Bett | Betten | under at=in>in
        cupboard | der Schrank | Schränke | openable storage
        shelf/shelves | das Regal | Regale | surface at=on>auf
        desk | der Schreibtisch | Schreibtische | surface under at=on>auf
        carpet | der Teppich | Teppiche | gen=Teppichs at=on>auf
        mirror | der Spiegel | Spiegel | hangable
    """,
    "device thing goods": """
        lamp | die Lampe | Lampen | switched standing
        clock | die Uhr | Uhren | hangable
        radio | das Radio | Radios | switched
        television | der Fernseher | Fernseher | switched
        computer | der Computer | Computer | switched
        telephone | das Telefon | Telefone | gen=Telefons
        camera | die Kamera | Kameras
        washing machine | die Waschmaschine | Waschmaschinen | switched large
    """,
    "tool thing goods": """
        knife/knives | das Messer | Messer | cutlery blade
        fork | die Gabel | Gabeln | cutlery
        spoon | der Löffel | Löffel | cutlery
        hammer | der Hammer | Hämmer
        saw | die Säge | Sägen | blade
        axe | die Axt | Äxte | blade
        ladder | die Leiter | Leitern | large
        key | der Schlüssel | Schlüssel | losable
        pencil | der Bleistift | Bleistifte | losable gen=Bleistifts
        umbrella | der Regenschirm | Regenschirme | losable gen=Regenschirms
    """,
    "vehicle thing goods": """
        car | das Auto | Autos | road
        lorry/lorries | der Lastwagen | Lastwagen | road
        bicycle | das Fahrrad | Fahrräder | gen=Fahrrads
        motorcycle | das Motorrad | Motorräder | gen=Motorrads
        bus | der Bus | Busse | gen=Busses transit road notgoods
        train | der Zug | Züge | transit notgoods
        tram | die Straßenbahn | Straßenbahnen | transit notgoods
        ship | das Schiff | Schiffe | vessel
        boat | das Boot | Boote | vessel
        aeroplane | das Flugzeug | Flugzeuge | gen=Flugzeugs
    """,
    "container thing goods": """
        bottle | die Flasche | Flaschen | standing drinkware openable
        cup | die Tasse | Tassen | standing drinkware dish
        glass | das Glas | Gläser | standing drinkware dish
        plate | der Teller | Teller | standing dish flat
        bowl | die Schüssel | Schüsseln | standing dish
        pot | der Topf | Töpfe | standing
        basket | der Korb | Körbe | standing storage
        box | die Kiste | Kisten | openable storage
        bag | die Tasche | Taschen | openable luggage storage losable
        suitcase | der Koffer | Koffer | openable luggage storage
        bucket | der Eimer | Eimer | standing
    """,
    "instrument thing goods": """
        piano | das Klavier | Klaviere | large gen=Klaviers
        violin | die Geige | Geigen
        flute | die Flöte | Flöten
        guitar | die Gitarre | Gitarren
        trumpet | die Trompete | Trompeten
    """,
    "object thing goods": """
        ball | der Ball | Bälle | toy throwable
        doll | die Puppe | Puppen | toy
        picture | das Bild | Bilder | depiction hangable paintable
        photo | das Foto | Fotos | depiction gen=Fotos
        map | die Landkarte | Landkarten | depiction
        ring | der Ring | Ringe | treasure losable
        crown | die Krone | Kronen | treasure regal
        coin | die Münze | Münzen | treasure collectable
        stamp | die Briefmarke | Briefmarken | collectable
        candle | die Kerze | Kerzen | standing
        vase | die Vase | Vasen | standing
        blanket | die Decke | Decken | soft
        pillow | das Kissen | Kissen | soft
        towel | das Handtuch | Handtücher | soft gen=Handtuchs
        gift | das Geschenk | Geschenke | gen=Geschenks
        ticket | die Fahrkarte | Fahrkarten | losable
        stone | der Stein | Steine | throwable collectable natural notgoods
        money | das Geld | - | losable cash notgoods
    """,
    "opening part": """
        door | die Tür | Türen | openable lockable
        window | das Fenster | Fenster | openable
        gate | das Tor | Tore | openable lockable
    """,
    "part": """
        roof | das Dach | Dächer | climbable at=on>auf
        wall | die Wand | Wände | at=on>an
    """,
    "plant": """
        tree | der Baum | Bäume | climbable tall
        apple tree | der Apfelbaum | Apfelbäume | climbable tall
        flower | die Blume | Blumen | blossom
        rose | die Rose | Rosen | blossom
        tulip | die Tulpe | Tulpen | blossom
    """,
    "home room place": """
        kitchen | die Küche | Küchen
        living room | das Wohnzimmer | Wohnzimmer
        bedroom | das Schlafzimmer | Schlafzimmer
        bathroom | das Badezimmer | Badezimmer
        cellar | der Keller | Keller
    """,
    "building place": """
        house | das Haus | Häuser | homely
        castle | das Schloss | Schlösser
        tower | der Turm | Türme | high
        church | die Kirche | Kirchen | high goal
        school | die Schule | Schulen | study goal
        library | die Bibliothek | Bibliotheken | study goal
        university | die Universität | Universitäten | study goal at=at>an
        museum | das Museum | Museen | gen=Museums sight goal
        theatre | das Theater | Theater | sight goal
        hospital | das Krankenhaus | Krankenhäuser | workplace goal
        hotel | das Hotel | Hotels | inn goal
        restaurant | das Restaurant | Restaurants | inn goal
        café | das Café | Cafés | inn goal
        supermarket | der Supermarkt | Supermärkte | gen=Supermarkts shop goal
        bakery | die Bäckerei | Bäckereien | shop goal
        factory | die Fabrik | Fabriken | workplace goal
        office | das Büro | Büros | workplace
        station | der Bahnhof | Bahnhöfe | gen=Bahnhofs transport goal at=at>an
        airport | der Flughafen | Flughäfen | gen=Flughafens transport goal at=at>an
        bridge | die Brücke | Brücken | passage at=on>auf
    """,
    "outdoors place": """
        garden | der Garten | Gärten | playground homely
        park | der Park | Parks | gen=Parks playground stroll
        street | die Straße | Straßen | passage at=in>auf
        market | der Markt | Märkte | shop goal at=at>auf
        village | das Dorf | Dörfer | settlement
        city | die Stadt | Städte | settlement
        farm | der Bauernhof | Bauernhöfe | gen=Bauernhofs farmland at=on>auf
        field | das Feld | Felder | farmland at=in>auf
        meadow | die Wiese | Wiesen | farmland playground stroll at=in>auf
        forest | der Wald | Wälder | wild stroll
        mountain | der Berg | Berge | wild climbable tall at=on>auf
        hill | der Hügel | Hügel | wild climbable at=on>auf
        lake | der See | Seen | waters goal at=at>an
        river | der Fluss | Flüsse | waters goal at=at>an
        beach | der Strand | Strände | seaside playground goal at=on>an
        island | die Insel | Inseln | seaside at=on>auf
    """,
    "event": """
        concert | das Konzert | Konzerte | gen=Konzerts show
        film | der Film | Filme | gen=Films watched
        game | das Spiel | Spiele | sport
        wedding | die Hochzeit | Hochzeiten | celebration
        exam | die Prüfung | Prüfungen | ordeal
        journey | die Reise | Reisen | trip
    """,
    "abstract": """
        question | die Frage | Fragen | utterance
        problem | das Problem | Probleme | gen=Problems task
        riddle | das Rätsel | Rätsel | task
        answer | die Antwort | Antworten | utterance
        plan | der Plan | Pläne | gen=Plans thought
        idea | die Idee | Ideen | thought
        secret | das Geheimnis | Geheimnisse | hidden
        song | das Lied | Lieder | music
        language | die Sprache | Sprachen | learnable
        word | das Wort | Wörter | utterance
        name | der Name | Namen | weak gen=Namens label
    """,
    "sky": """
        sun | die Sonne | - | heavenly
        moon | der Mond | - | heavenly
        star | der Stern | Sterne |
    """,
    "weather": """
        rain | der Regen | - |
        snow | der Schnee | - |
        storm | der Sturm | Stürme |
        heat | die Hitze | - |
        noise | der Lärm | - | gen=Lärms
    """,
    "occasion": """
        breakfast | das Frühstück | - | daily
        lunch | das Mittagessen | - | daily
        dinner | das Abendessen | - | daily
        lesson | der Unterricht | - | gen=Unterrichts
    """,
    "unit": """
        year | das Jahr | Jahre
        month | der Monat | Monate
        week | die Woche | Wochen
        day | der Tag | Tage
        hour | die Stunde | Stunden
        minute | die Minute | Minuten
        metre | der Meter | Meter
        kilometre | der Kilometer | Kilometer
        euro | der Euro | Euro
        page | die Seite | Seiten
    """,
    "name person": """
        Anna | die Anna | -
        Clara | die Clara | -
        Maria | die Maria | -
        Sophie | die Sophie | -
        Paul | der Paul | -
        Peter | der Peter | -
        Jonas | der Jonas | -
        Martin | der Martin | -
    """,
    "town": """
        Berlin | das Berlin | -
        Vienna | das Wien | -
        Munich | das München | -
        Cologne | das Köln | -
        Hamburg | das Hamburg | -
        Zurich | das Zürich | -
    """,
}
