-- Grain states, as SQLite has them: JSON in text, and a version that is the ETag.
CREATE TABLE grain_state (
  name text NOT NULL,
  grain text NOT NULL,
  version bigint NOT NULL,
  json text NOT NULL,
  PRIMARY KEY (name, grain)
);

-- Blobs, and uploads that are not whole yet, in the pieces in which they came. An id, not the name, ties pieces to them: a put knows its name only when all is written.
CREATE TABLE blob (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  size bigint NOT NULL DEFAULT 0,
  complete boolean NOT NULL DEFAULT false,
  touched timestamptz NOT NULL
);

CREATE TABLE blob_piece (
  blob bigint NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
  start bigint NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (blob, start)
);

-- Factors do not compress.
ALTER TABLE blob_piece ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- What all coordinators of the cluster must have in common.
CREATE TABLE cluster_fact (
  name text PRIMARY KEY,
  value text NOT NULL
);
