-- Fictitious persons: the standard's seven-digit numbers are no valid BSNs.
CREATE TABLE personen (
    bsn           TEXT PRIMARY KEY,
    naam          TEXT NOT NULL,
    geboortedatum TEXT NOT NULL,
    adres         TEXT NOT NULL,
    rekening      TEXT
) STRICT;

CREATE TABLE ouders (
    kind  TEXT NOT NULL,
    ouder TEXT NOT NULL,
    PRIMARY KEY (kind, ouder)
) STRICT;

CREATE INDEX personen_op_geboortedatum ON personen (geboortedatum, naam);
CREATE INDEX personen_op_adres ON personen (adres);
CREATE INDEX personen_op_rekening ON personen (rekening);

INSERT INTO personen (bsn, naam, geboortedatum, adres, rekening) VALUES
    ('2308572', 'De Vries', '1985-03-14', 'Voorbeeldplein 12, Voorbeeldstad', 'NL00TEST0123456789'),
    ('5649587', 'De Vries', '1985-03-14', 'Lindelaan 3, Voorbeeldstad', NULL),
    ('6351429', 'De Vries', '1985-03-14', 'Havenkade 88, Voorbeeldstad', NULL),
    ('8495621', 'Bakker',   '1987-11-02', 'Voorbeeldplein 12, Voorbeeldstad', NULL),
    ('7586426', 'De Vries', '2015-06-30', 'Voorbeeldplein 12, Voorbeeldstad', NULL),
    ('9358297', 'Jansen',   '1979-01-21', 'Molenweg 7, Voorbeeldstad', 'NL00TEST0123456789'),
    ('5872525', 'Peters',   '1984-08-09', 'Kerkstraat 41, Voorbeeldstad', 'NL00TEST0123456789'),
    ('6235489', 'Visser',   '1990-05-17', 'Dijkweg 2, Voorbeeldstad', 'NL00TEST0123456789'),
    ('4282547', 'De Vries', '1958-12-01', 'Havenkade 90, Voorbeeldstad', NULL),
    ('6252598', 'Jansen',   '1951-04-23', 'Molenweg 9, Voorbeeldstad', NULL);

INSERT INTO ouders (kind, ouder) VALUES ('2308572', '4282547'), ('9358297', '6252598');
