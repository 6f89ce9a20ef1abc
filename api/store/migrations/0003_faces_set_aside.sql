-- A face that is set aside is kept, and nobody is recognized by it. For whoever follows the log it is
-- removed, and added when it is taken back.
alter table faces add column set_aside boolean not null default false;
