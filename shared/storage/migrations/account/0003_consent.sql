-- What a profile says about consent and why it may not be written to, and two properties that every profile has. The
-- constraints are for what is written from now on: no earlier version wrote any of it, so nothing is looked through.
ALTER TABLE {schema}.profiles
    ADD COLUMN consent_at timestamptz,
    ADD COLUMN consent_source text,
    ADD COLUMN suppression text,
    ADD COLUMN suppressed_at timestamptz,
    ADD COLUMN language text,
    ADD COLUMN permission_level text,
    ADD CONSTRAINT profiles_suppression_known
        CHECK (suppression IN ('unsubscribed', 'bounced', 'complained', 'erased')) NOT VALID,
    ADD CONSTRAINT profiles_suppression_dated CHECK ((suppression IS NULL) = (suppressed_at IS NULL)) NOT VALID,
    ADD CONSTRAINT profiles_opt_out_suppresses CHECK (opt_in OR suppression IS NOT NULL) NOT VALID,
    ADD CONSTRAINT profiles_permission_level_known CHECK (permission_level IN ('0', '1', '2')) NOT VALID;
COMMENT ON COLUMN {schema}.profiles.opt_in IS 'Null: nobody has said anything about it.';
COMMENT ON COLUMN {schema}.profiles.consent_at IS 'When what opt_in says was said: the consent, or its withdrawal.';
COMMENT ON COLUMN {schema}.profiles.suppressed_at IS 'A consent lifts an unsubscription only if it is later.';
