-- streams holds, sealed, the addresses of a camera's further streams by what they are for; null where
-- it has none.
alter table cameras add column streams bytea;
