-- name: has_folded_item
-- Whether a list has an item, without regard to case.
EXISTS (SELECT 1 FROM unnest({column}) AS entry (item) WHERE {folded} = {wanted})
