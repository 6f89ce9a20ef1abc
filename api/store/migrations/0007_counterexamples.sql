-- A counter-example of a person is a face that is somebody else's: whoever is nearer to it is not her.
alter table faces add column counter boolean not null default false;
