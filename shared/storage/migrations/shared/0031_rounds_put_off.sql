-- Rounds in a blackout are left alone for a while, so that they keep no others waiting. An addition only.

ALTER TABLE tidegate.turns ADD COLUMN not_before timestamptz;
COMMENT ON COLUMN tidegate.turns.not_before IS 'Its round is not tried again before: it was in a blackout.';
