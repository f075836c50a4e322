using System.Text.Json;

namespace FedLora.Privacy.Ledger;

/// <summary>What people at the site know a data set by; it stays there.</summary>
/// <param name="Name">As the site calls it.</param>
/// <param name="File">The file that it was last read from.</param>
public sealed record DataSetLabel(string Name, string File)
{
    private const string Folder = "names";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    internal static DataSetLabel? Read(ILedgerStorage storage, string dataSet)
    {
        try
        {
            return storage.Read($"{Folder}/{dataSet}") is { } content ? JsonSerializer.Deserialize<DataSetLabel>(content, Json) : null;
        }
        catch (JsonException)
        {
            // Nothing is decided by it.
            return null;
        }
    }

    internal void Write(ILedgerStorage storage, string dataSet)
    {
        if (Read(storage, dataSet) != this)
            storage.Replace($"{Folder}/{dataSet}", JsonSerializer.SerializeToUtf8Bytes(this, Json));
    }
}
