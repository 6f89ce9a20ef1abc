create table users (
    id uuid primary key,
    name text not null unique check (length(name) between 1 and 200),
    password_hash text not null,
    created_at timestamptz not null default now()
);

-- log_id names this log for whoever follows it; changes is the number of its newest change.
create table galleries (
    id uuid primary key,
    name text not null unique,
    log_id uuid not null default gen_random_uuid(),
    changes bigint not null default 0
);

insert into galleries (id, name) values (gen_random_uuid(), 'default');

create table people (
    id uuid primary key,
    gallery uuid not null references galleries (id),
    name text not null check (length(name) between 1 and 200),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index people_by_name on people (gallery, lower(name), id);

-- template and crop are sealed envelopes; photograph is a keyed digest of what was sent.
create table faces (
    id uuid primary key,
    person uuid not null references people (id) on delete cascade,
    pack text not null,
    template bytea not null,
    crop bytea not null,
    width integer not null,
    height integer not null,
    photograph bytea not null,
    created_at timestamptz not null default now(),
    unique (person, pack, photograph)
);

-- Numbered in the order of commit: the number is taken from the gallery's row, which stays locked
-- until then. It holds ids only, so that what was deleted is not kept here.
create table gallery_changes (
    gallery uuid not null references galleries (id),
    number bigint not null,
    kind text not null check (kind in ('face-added', 'face-removed', 'person-named', 'person-removed')),
    person uuid not null,
    face uuid,
    at timestamptz not null default now(),
    primary key (gallery, number),
    check ((face is not null) = (kind in ('face-added', 'face-removed')))
);

-- address is a sealed envelope: it holds the camera's credentials.
create table cameras (
    id uuid primary key,
    name text not null unique check (length(name) between 1 and 200),
    address bytea not null,
    enabled boolean not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
