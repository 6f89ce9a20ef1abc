-- publishing_key is the SHA-256 of a random key of 256 bits, by which a publisher opens this camera
-- and nothing else; null while there is none.
alter table cameras add column publishing_key bytea check (octet_length(publishing_key) = 32);
