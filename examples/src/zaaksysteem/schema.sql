-- Fictitious persons: the standard's seven-digit numbers are no valid BSNs.
CREATE TABLE personen (
    bsn           TEXT PRIMARY KEY,
    naam          TEXT NOT NULL,
    geboortedatum TEXT NOT NULL,
    adres         TEXT NOT NULL
) STRICT;

CREATE INDEX personen_op_geboortedatum ON personen (geboortedatum, naam);

CREATE TABLE zaken (
    id        TEXT PRIMARY KEY,
    soort     TEXT NOT NULL,
    aanvrager TEXT
) STRICT;

INSERT INTO personen (bsn, naam, geboortedatum, adres) VALUES
    ('2308572', 'De Vries', '1985-03-14', 'Voorbeeldplein 12, Voorbeeldstad'),
    ('5649587', 'De Vries', '1985-03-14', 'Lindelaan 3, Voorbeeldstad'),
    ('6351429', 'De Vries', '1985-03-14', 'Havenkade 88, Voorbeeldstad'),
    ('8495621', 'Bakker',   '1987-11-02', 'Voorbeeldplein 12, Voorbeeldstad'),
    ('7586426', 'De Vries', '2015-06-30', 'Voorbeeldplein 12, Voorbeeldstad');

INSERT INTO zaken (id, soort) VALUES
    ('48086bf2-11b7-4603-9526-67d7c3bb6587', 'Registratie verhuizing');
