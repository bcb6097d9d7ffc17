"""What columns of contact files are usually called, in the languages of those who send them.

Only words are here, compared without case, accents and punctuation. That a column is called so is evidence and no
proof: who uses this says what he concluded.
"""

import re
import unicodedata
from types import MappingProxyType

_USUAL = {
    "email": (
        "email emailaddress e-mail-adresse emailadresse emailadres mail mailadresse courriel adressemail "
        "adresseemail correo correoelectronico emailadress epost sahkoposti posta indirizzoemail adresemail "
        "mejl эпочта メールアドレス"
    ),
    "first_name": (
        "firstname first forename givenname vorname voornaam roepnaam prenom nombre nome imie fornamn fornavn "
        "etunimi имя"
    ),
    "last_name": (
        "lastname last surname familyname nachname familienname achternaam nom nomdefamille apellido "
        "apellidos cognome sobrenome nazwisko efternamn etternavn sukunimi фамилия"
    ),
    "full_name": (
        "name fullname contactname naam nomcomplet nombrecompleto nomecompleto имяфамилия 氏名 名前 contact "
        "kontakt customername"
    ),
    "gender": "gender sex geschlecht geslacht sexe genero sesso plec kon",
    "salutation": "salutation title anrede titel aanhef civilite tratamiento",
    "birth_date": (
        "birthdate dateofbirth dob birthday born geburtsdatum geburtstag geboortedatum datedenaissance "
        "naissance fechadenacimiento nacimiento datadinascita datadenascimento dataurodzenia"
    ),
    "phone": (
        "phone phonenumber telephone tel telefon telefonnummer telefoon telefoonnummer telefono telefone fon "
        "contactphonenumber contactphone"
    ),
    "mobile": (
        "mobile mobilephone mobilenumber cell cellphone handy handynummer mobil mobilnummer mobiel "
        "mobieletelefoon portable movil cellulare telemovel gsm"
    ),
    "company": (
        "company companyname organisation organization firma unternehmen bedrijf bedrijfsnaam societe "
        "entreprise empresa azienda account"
    ),
    "street": (
        "street address address1 streetaddress strasse anschrift adresse straat adres rue calle direccion "
        "indirizzo via morada ulica"
    ),
    "postal_code": "zip zipcode postalcode postcode plz postleitzahl codepostal codigopostal cap kodpocztowy",
    "city": "city town ort stadt plaats woonplaats stad ville ciudad citta cidade miasto",
    "state": "state region province bundesland provincie provincia county counties",
    "country": "country countrycode land pays pais paese kraj",
    "language": "language lang locale sprache taal langue idioma lingua jezyk",
    "customer_id": (
        "id customerid customernumber customerno contactid userid externalid uniqueid profileid crmid "
        "kundennummer kundennr kundenid klantnummer klantid numeroclient clientid idcliente memberid "
        "loyaltyid key uuid guid"
    ),
    "opt_in": (
        "optin newsletter subscribed subscriber consent permission einwilligung toestemming nieuwsbrief "
        "active aktiv actief enabled confirmed isactive"
    ),
    "member": "member vip mitglied lid membre socio",
    "created_at": (
        "createdat created createdon creationdate signupdate registeredat angelegt erstellt erstelltam "
        "aangemaakt datecreation date datum timestamp lastorderat lastlogin"
    ),
    "updated_at": "updatedat updated modified modifiedat lastmodified geaendert gewijzigd",
    "points": (
        "points loyaltypoints punkte punten score quantity qty count orders visits menge anzahl aantal age alter"
    ),
    "amount": (
        "amount balance revenue price total turnover umsatz betrag preis guthaben saldo omzet bedrag prijs "
        "montant prix importe precio"
    ),
    "tags": "tags labels categories interests interessen interesses kategorien",
    "website": "website url homepage web webseite siteweb",
}

_STRIPPED = re.compile(r"[\W_]+")


def normalised(name: str) -> str:
    """A name without case, accents, blanks and punctuation: `E-Mail Adresse` and `email_adresse` are one."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return _STRIPPED.sub("", "".join(c for c in plain if not unicodedata.combining(c)))


_CONCEPTS = {normalised(word): concept for concept, words in _USUAL.items() for word in (concept, *words.split())}
CONCEPTS = MappingProxyType(_CONCEPTS)
"""What a normalised name usually stands for."""


def concept_of(name: str) -> str | None:
    """What a column of that name usually holds; None where that is not known."""
    return CONCEPTS.get(normalised(name))
