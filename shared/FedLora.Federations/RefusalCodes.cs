namespace FedLora.Federations;

/// <summary>The stable words of <see cref="FedLoraException.Code"/> of a request that was refused.</summary>
public static class RefusalCodes
{
    public const string FederationUnknown = "federation-unknown";
    public const string FederationExists = "federation-exists";
    public const string FederationState = "federation-state";
    public const string DefinitionInvalid = "federation-invalid";
    public const string NodeExists = "node-exists";
    public const string NodeName = "node-name";
    public const string NodeUnknownName = "node-unknown-name";
    public const string NodeUnknown = "node-unknown";
    public const string NodeRevoked = "node-revoked";
    public const string NodeActive = "node-active";
    public const string NodeReceipts = "node-receipts";
    public const string NodeNamed = "node-named";
    public const string NodeCredential = "node-credential";
    public const string OperatorCredential = "operator-credential";
    public const string AccessUnknown = "access-unknown";
    public const string AccessUnknownName = "access-unknown-name";
    public const string AccessRevoked = "access-revoked";
    public const string CertificateMissing = "certificate-missing";
    public const string CertificateForeign = "certificate-foreign";
    public const string CertificateExpired = "certificate-expired";
    public const string CertificateRequest = "certificate-request";
    public const string RoleInsufficient = "role-insufficient";
    public const string TokenInvalid = "token-invalid";
    public const string TokenRole = "token-role";
    public const string RoundUnknown = "round-unknown";
    public const string RoundClosed = "round-closed";
    public const string NotInCohort = "not-in-cohort";
    public const string UpdateSize = "update-size";
    public const string UpdateHash = "update-hash";
    public const string UpdateFormat = "update-format";
    public const string UpdateTensors = "update-tensors";
    public const string UpdateShape = "update-shape";
    public const string UpdateNotFinite = "update-not-finite";
    public const string UpdateNorm = "update-norm";
    public const string UpdateConflict = "update-conflict";
    public const string UpdateExamples = "update-examples";
    public const string UpdateReceipt = "update-receipt";
    public const string BlobMissing = "blob-missing";
    public const string BlobHash = "blob-hash";
    public const string BlobOffset = "blob-offset";
    public const string BlobTooLarge = "blob-too-large";
    public const string BalanceInvalid = "balance-invalid";
    public const string PrivacyBudget = "privacy-budget";
    public const string DatabaseAway = "database-away";
    public const string CoordinatorAway = "coordinator-away";
    public const string CoordinatorBusy = "coordinator-busy";
    public const string DiskFull = "disk-full";
    public const string UpdatesPruned = "updates-pruned";
    public const string LinkInvalid = "link-invalid";
    public const string TokenUnknown = "token-unknown";
    public const string DashboardOff = "dashboard-off";
}
