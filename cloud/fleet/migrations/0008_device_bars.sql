-- additive
-- Of the last session of a device, when an operator ended it: how. Beside `ended`, as in `session`.
ALTER TABLE device ADD COLUMN bar INTEGER;
