namespace FedLora.Compression;

/// <summary>What the sparse format says of itself.</summary>
internal static class SparseFormat
{
    public static FedLoraException Invalid(string why) => new(
        "sparse-update-invalid", $"the sparse update cannot be read: {why}",
        "Send it again; if it fails twice, sender and receiver differ in version.");
}
