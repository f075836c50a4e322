-- Who is in the cluster: what Orleans' ADO.NET membership provider asks for, by its keys, parameters and column names.
CREATE TABLE OrleansQuery (
  QueryKey text PRIMARY KEY,
  QueryText text NOT NULL
);

CREATE TABLE membership_version (
  deploymentid text PRIMARY KEY,
  version integer NOT NULL DEFAULT 0
);

CREATE TABLE membership (
  deploymentid text NOT NULL REFERENCES membership_version (deploymentid),
  address text NOT NULL,
  port integer NOT NULL,
  generation integer NOT NULL,
  siloname text NOT NULL,
  hostname text NOT NULL,
  status integer NOT NULL,
  proxyport integer NOT NULL,
  suspecttimes text,
  starttime timestamptz NOT NULL,
  iamalivetime timestamptz NOT NULL,
  PRIMARY KEY (deploymentid, address, port, generation)
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('GatewaysQueryKey', $q$
SELECT address, proxyport, generation FROM membership WHERE deploymentid = @DeploymentId AND status = @Status AND proxyport > 0
$q$),
('MembershipReadRowKey', $q$
SELECT v.deploymentid, m.address, m.port, m.generation, m.siloname, m.hostname, m.status, m.proxyport, m.suspecttimes, m.starttime, m.iamalivetime, v.version
FROM membership_version v LEFT JOIN membership m ON m.deploymentid = v.deploymentid AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
WHERE v.deploymentid = @DeploymentId
$q$),
('MembershipReadAllKey', $q$
SELECT v.deploymentid, m.address, m.port, m.generation, m.siloname, m.hostname, m.status, m.proxyport, m.suspecttimes, m.starttime, m.iamalivetime, v.version
FROM membership_version v LEFT JOIN membership m ON m.deploymentid = v.deploymentid
WHERE v.deploymentid = @DeploymentId
$q$),
('InsertMembershipVersionKey', $q$
WITH made AS (INSERT INTO membership_version (deploymentid) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1)
SELECT count(*)::integer FROM made
$q$),
('UpdateIAmAlivetimeKey', $q$
UPDATE membership SET iamalivetime = @IAmAliveTime WHERE deploymentid = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
$q$),
-- The table's version and the row change together, or neither does: one statement is one transaction.
('InsertMembershipKey', $q$
WITH turn AS (
  UPDATE membership_version SET version = version + 1
  WHERE deploymentid = @DeploymentId AND version = @Version
    AND NOT EXISTS (SELECT 1 FROM membership WHERE deploymentid = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
  RETURNING 1),
entry AS (
  INSERT INTO membership (deploymentid, address, port, generation, siloname, hostname, status, proxyport, starttime, iamalivetime)
  SELECT @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM turn
  RETURNING 1)
SELECT count(*)::integer FROM entry
$q$),
('UpdateMembershipKey', $q$
WITH turn AS (
  UPDATE membership_version SET version = version + 1
  WHERE deploymentid = @DeploymentId AND version = @Version
    AND EXISTS (SELECT 1 FROM membership WHERE deploymentid = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
  RETURNING 1),
entry AS (
  UPDATE membership SET status = @Status, suspecttimes = @SuspectTimes, iamalivetime = @IAmAliveTime
  FROM turn
  WHERE deploymentid = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
  RETURNING 1)
SELECT count(*)::integer FROM entry
$q$),
('DeleteMembershipTableEntriesKey', $q$
DELETE FROM membership WHERE deploymentid = @DeploymentId;
DELETE FROM membership_version WHERE deploymentid = @DeploymentId
$q$),
('CleanupDefunctSiloEntriesKey', $q$
DELETE FROM membership WHERE deploymentid = @DeploymentId AND iamalivetime < @IAmAliveTime AND status <> 3
$q$),
('CleanupDefunctSiloEntryKey', $q$
DELETE FROM membership WHERE deploymentid = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
  AND status = 6 AND iamalivetime = @IAmAliveTime AND starttime = @StartTime
$q$);
