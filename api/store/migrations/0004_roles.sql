-- What a user may do. Whoever is there already could do everything.
alter table users add column role text not null default 'administrator'
    check (role in ('administrator', 'viewer'));
alter table users alter column role drop default;
