using System.Text.Json;

namespace FedLora.Client.State;

/// <summary>Who this node is at a coordinator. Kept on disk from enrolment on, readable by its owner only.</summary>
/// <param name="Coordinator">Address that it was enrolled at.</param>
/// <param name="NodeId">Given by the coordinator; empty while <paramref name="RequestId"/> waits for an answer.</param>
/// <param name="Name">For people.</param>
/// <param name="Secret">Sent with every call.</param>
/// <param name="RequestId">Of the enrolment request, so that a lost answer can be asked for again.</param>
/// <param name="TokenHash">SHA-256 (hex) of the join token while <paramref name="RequestId"/> waits for an answer; empty
/// afterwards.</param>
public sealed record NodeCredential(string Coordinator, string NodeId, string Name, string Secret, string RequestId, string TokenHash = "")
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    /// <summary>Whether the coordinator has answered.</summary>
    public bool IsEnrolled => NodeId.Length > 0;

    /// <summary>Reads the file; null where there is none.</summary>
    /// <exception cref="FedLoraException"><c>credential-invalid</c>.</exception>
    public static NodeCredential? Load(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonSerializer.Deserialize<NodeCredential>(File.ReadAllText(path)) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new FedLoraException("credential-invalid", $"{path} is damaged: {error.Message}",
                "delete it and enrol the node again with a new token", error);
        }
    }

    /// <summary>Writes the file, whole or not at all, for its owner only (the folder is closed to others).</summary>
    public void Save(string path) => AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, Json));
}
