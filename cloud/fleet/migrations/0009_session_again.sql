-- additive
-- A device that lost its state counts its sessions from the beginning again. Of one whose number came
-- again: that number; `session` is then one that no device gives.
ALTER TABLE session ADD COLUMN number INTEGER;
