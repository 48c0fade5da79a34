"""Words nobody wants to find in a proposed password: rude, cruel, sexual, about peoples or faith.

Beginnings of words, for each language; too many rather than too few, as there are enough others.
"""

LEFT_OUT = {
    "nl": """
        aanval alien allah angst arabier bastaa begraa bende beul bier bijbel billen bitch blank
        bloed blut bom bord borrel borst brand bruine cel coma condoom crimi dader delict demon dief
        dik dikke dode doden dolk dom domme dood doodt dope drank dreig dronk drug duistr duivel
        dwaas ellen engel flikker fuck galg gebed gedood geil gek gekk gelul gescho gevang geweer
        gezeik gif gijz god gore gozer graf haat heks hel hemel heroi herrie hoer homo hufter idio
        islam jankt jappen jezus joden jood joodse kanker kerel kerk kist klap klier kloot klote
        kloten kogel kont koran kots kreng kruis kut lafaard lelijk lesb leugen lieg lijden lijk lui
        luie lul lust maagd maffia martel meid mes mietje misbr moord moslim naaien naakt nazi neger
        neuk nikker non oorlog ouwe paus penis pest pijn pis pistol poep politi pooier poot porno
        priest ramp reet rot rotte rotzak satan schaam scheet schelm schiet schijt schoft schoot
        schuld schurk seks sex shit slaa slaan slacht slag slav slet slipje sloeg smeri snij snik
        snot sperma spion spuug stal stank steel sterf sterv stier stierf stinkt stom stoned stoot
        strijd strip stront sukkel teef tepel terror tiet trans trauma travest troep trut tuig tumor
        urine vagin varken vecht verdom vergif verkr verraa vet vette vies vieze vijand virus vrij
        vuil vuile wapen whisky wiet wijf witte witten wodka wond wonden wraak wreed wurg zat zelfde
        zelfm ziek ziels zond zwart zwijn
    """,
    "fr": """
        abruti accus alcool allema ange arabe arme armes attaq bagnar bais baise balle balles batard
        battre battu bible biere bite blanc blancs bless bombe boob bordel bourre branle brute
        cadavr cancer canon chatte chien chienne chier chiot chope choper chreti chute cochon cogne
        cogner coke con conard connar conne cons couill couteau crache craque cretin creve crever
        crevez crime crimin croix cruau cruel cul culte curse damne debil degueu demon dette deuil
        diable dieu dope douleu drogue egorg encul enfer enfoir ennemi epee esclav escroc etrang
        feroce fesse fichez fichu flic folle fou fous foute foutr foutu frapp fumier fusil gang
        garce gay gosse gros grosse guerre gueule hache haine hais hait honte horr hurle idiot imbec
        islam ivre jaune jesus juif juive jurer laid lame lames lesb mafia maitre malade marre
        massac maudit menac ment mentez menti mentir merde messe meur meurs meurt moche mort morte
        mourr musulm mutil nazi negre nibard nichon noir noire noirs nu nue nues nul nulle nuls
        ordure otage otages pauvre pd peche pecher pede peine pend pendre pendu penis peste pet peur
        peurs pique piquer piss pisse poigna poil poils poison police porc porno pourri pretre prier
        priere prison punir putain pute racist rats rhum russe sabre salau salaud sale salop sang
        saoul satan secte sein seins sexe sexuel sexy shoot sida slip sorci souffr sperm suce sucer
        sucr suicid tape terror tire tirer tireur tirez tombe torture trahi traitr trans trou trous
        truie tuai tuant tue tuee tuent tuer tuera tuerie tues tueur tuez tumeur tuyau vagin venin
        veuve vierge viol violer virus vodka vol vole voler voleur vomi vomir whisky
    """,
    "de": """
        absurd adolf altar angst arsch bande bedroh besau besof bestie bete beten betest betet
        betrog betrug betrunk bier blase blasen blind blinde blod blode blut bluten bombe brannt
        braun braune brust brutal bums bumsen bumst busen christ damon dick dicke dicken dicker
        dickes dieb doof doofe dope dreck drecks droge droh drohen drohst droht drohte dumm dumme
        dummen dummer dummes ekel eklig elend entfu erschos faul faule faulen fauler feig feige
        feiger feind fett fette fetten fetter fettes fick ficken fies fiese fiesen fieser fluch
        folter fotze frau fuhrer furz gefang gefick geil geisel geizig gestor gewalt gierig gift
        gott grab graben grausa hange hangen hass hasse hassen hasslich hasst haue hauen haust haute
        heil heilig henker herr hexe hieb high himmel hing hingen hoelle holle homo hund hure idiot
        irre irren irrer irrst islam jesus jude juden kack kacke kampf kill killen klau klaue klauen
        klaust klaut knall knast koks kotz kotze kotzt krank krebs krieg kriegs krumm kugel lahm
        lahme leck lecken leckt leiche leid leiden lesb luder luge lugen lugst lutsch mafia mann
        mies miese miesen mieser mieses miss monster mord morde moslem mutter nackt nazi neger nerv
        nervst nervt nigger nutte opfer opfere opfern pater penis penn penner pest pimmel pinkel
        piss polize porno prugel pups qual rache rasse raub raube rauben raubt reich rieche riecht
        sarg satan sau sauer sauf saufe saufen saufst schei scheiss schies schlag schlam schlug
        schmer schnap schoss schuld schuss schwanz schwar schwein schwul segne segnen seuche sex
        siech sklav sperma spinn spinnt starb stehl sterb stink stinkt stirb strang stumm sucht
        sunde taub terror teufel titt tod tot tote toten toter totes treib trottel tumor unfall
        vagina vater vergew verrat verrec verruc virus waffe wahnsi weh weib weiber wein weiss
        whisky wichs widerl widert wirr wirres wodka wunde wurge zelle zwang zwing zwinge zwingt
    """,
    "en": """
        abort abuse ache addict agony allah anal angel arab arrest arse asian ass asses attack babe
        babes bastar battle beat beaten beer beg begged betray bible bimbo bitch black bleed bless
        blew blood bloody blow blows bomb bone bones boob booze brain breast brown brutal bugger
        bullet bully buried burn burned burns burnt bury butt cancer cheat chick chicks choke christ
        church cocain cock coffin condom cop cops corps corpse coward crack crap crash crazy creep
        cried cries crime crimin cripple cruel crush crying cult cunt curse cursed damn dead deadly
        dealer death demon devil dick die died dies dirt dirty disea doom doomed dope drug drugs
        drunk dumb dump dumped dwarf dying enemy evil execut explod fag fart fat fear feared fever
        fight filth fire fired fires fool foolis fought freak fuck fuckin funera gang garbag gay
        german ghost god gods grave grief guilt guilty gun gunman guns guts hang hate hated hates
        hatred heaven hell heroin hit hitler hits holy homo honey hooked hooker horny horror hostag
        hung hurt hurts idiot incest indian insane islam jail jesus jew jewish jews junk junkie kick
        kicked kicks kidnap kill knife lame lesb liar lied lies liquor lonely loser lousy lust lying
        mafia master midget misery missil mob moron murder muslim naked nasty nazi negro nigg noose
        nude nuke orgas pain panic panti panty pee penis period pervert pig pigs pills pimp piss
        pistol plague poison poop poor porn pray pregn prick priest prison psycho puke punch pussy
        queer race racial racist ransom rape raped rapist rat rats retard rifle rob robbed robber
        rotten saint satan savage screw scum sex sexual sexy shame shark shit shitty shoot shoots
        shot shots sick sicken sin sins skull slap slave slut slutt smell smoke smoked sniper sob
        sodom soldie sorrow soul sperm spies spy stab steal stink stinks stole stolen stoned strang
        strip stripe stripp stupid suck suffer suicid sweat terror thief thong threat thug tit tits
        toilet tortur toxic tragic traitor tramp trash trauma troop tumor turd twat ugly vagin venom
        victim virgin virus vodka vomit wank war wars weapon weed weird whisky white whore wine
        witch wives wound yellow zombie
    """,
}
_BEGINNINGS = {language: tuple(set(words.split())) for language, words in LEFT_OUT.items()}


def is_left_out(word: str, language: str) -> bool:
    """English ones are in every language's films, and so in their lists."""
    return word.startswith(_BEGINNINGS[language]) or (
        language != "en" and word.startswith(tuple(b for b in _BEGINNINGS["en"] if len(b) > 4))
    )
