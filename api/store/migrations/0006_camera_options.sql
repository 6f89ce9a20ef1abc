-- options holds what differs from the defaults; none of it is a secret.
alter table cameras add column options jsonb not null default '{}'
    check (jsonb_typeof(options) = 'object');
