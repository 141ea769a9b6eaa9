-- additive
-- Of a session that an operator ended: how. Beside `how`, which then says that it fell silent.
ALTER TABLE session ADD COLUMN bar INTEGER;
