-- Somebody who is ignored is recognized, and never told: faces that are hers bear no name.
alter table people add column ignored boolean not null default false;
