-- additive
-- What a later version of the cloud might add to who may look in.
ALTER TABLE token ADD COLUMN next INTEGER NOT NULL DEFAULT 7;
ALTER TABLE session ADD COLUMN next INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN next INTEGER NOT NULL DEFAULT 0;
ALTER TABLE secret ADD COLUMN next BLOB;
