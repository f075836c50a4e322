using FedLora.Core.Audit;
using Grpc.Core;

namespace FedLora.Server.Services;

/// <summary>Which gRPC status a refusal is.</summary>
internal static class RefusalStatus
{
    internal static StatusCode Of(string code) => code switch
    {
        RefusalCodes.FederationUnknown or RefusalCodes.RoundUnknown or RefusalCodes.BlobMissing or RefusalCodes.NodeUnknownName
            or RefusalCodes.AccessUnknownName or RefusalCodes.TokenUnknown => StatusCode.NotFound,
        RefusalCodes.FederationExists or RefusalCodes.UpdateConflict or RefusalCodes.NodeExists => StatusCode.AlreadyExists,
        RefusalCodes.FederationState or RefusalCodes.RoundClosed or RefusalCodes.NotInCohort or RefusalCodes.UpdatesPruned
            or RefusalCodes.DashboardOff or RefusalCodes.NodeActive or RefusalCodes.NodeReceipts
            or RefusalCodes.NodeNamed => StatusCode.FailedPrecondition,
        RefusalCodes.NodeUnknown or RefusalCodes.NodeCredential or RefusalCodes.TokenInvalid or RefusalCodes.TokenRole
            or RefusalCodes.OperatorCredential or RefusalCodes.AccessUnknown or RefusalCodes.CertificateMissing
            or RefusalCodes.CertificateForeign or RefusalCodes.CertificateExpired => StatusCode.Unauthenticated,
        RefusalCodes.NodeRevoked or RefusalCodes.AccessRevoked or RefusalCodes.RoleInsufficient => StatusCode.PermissionDenied,
        RefusalCodes.DatabaseAway or RefusalCodes.CoordinatorAway or RefusalCodes.CoordinatorBusy => StatusCode.Unavailable,
        RefusalCodes.DiskFull or AuditLog.Unwritable => StatusCode.ResourceExhausted,
        "transfer-idle" => StatusCode.DeadlineExceeded,
        RefusalCodes.BlobOffset => StatusCode.Aborted,
        _ => StatusCode.InvalidArgument,
    };
}
