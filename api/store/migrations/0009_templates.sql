-- The templates of a face, one for each pack: a sealed envelope. While the pack is changed those of
-- the next one lie beside those that people are named by.
create table templates (
    pack text not null,
    face uuid not null references faces (id) on delete cascade,
    template bytea not null,
    primary key (pack, face)
);
create index templates_by_face on templates (face);
insert into templates (pack, face, template) select pack, id, template from faces;

-- A photograph is kept once for a person, whichever packs can use it. The person's row is locked
-- while one is added; older faces may have it twice, once for each of two packs.
alter table faces drop column pack, drop column template;
create index faces_by_photograph on faces (person, photograph);

-- The pack by which people are named, and how it is opened (JSON); null before the first start.
alter table galleries add column pack text, add column model text;

-- The latest change of a gallery's pack.
create table reembeddings (
    gallery uuid primary key references galleries (id),
    pack text not null,
    model text not null,
    leave_behind boolean not null,
    state text not null check (state in ('embedding', 'switching', 'done')),
    begun_at timestamptz not null default now(),
    ended_at timestamptz
);

-- Faces whose stored photograph a pack cannot use, and why.
create table refusals (
    pack text not null,
    face uuid not null references faces (id) on delete cascade,
    reason text not null,
    primary key (pack, face)
);
create index refusals_by_face on refusals (face);
