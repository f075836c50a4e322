namespace FedLora.Grains.Nodes;

/// <summary>Stored state of a node.</summary>
[GenerateSerializer]
public sealed class NodeRecord
{
    /// <summary>Empty: no such node.</summary>
    [Id(0)] public string Name { get; set; } = "";

    [Id(1)] public string Group { get; set; } = "";

    /// <summary>SHA-256 (hex) of the credential.</summary>
    [Id(2)] public string CredentialHash { get; set; } = "";

    [Id(3)] public DateTimeOffset EnrolledAt { get; set; }

    [Id(4)] public bool Revoked { get; set; }

    /// <summary>How many receipts a page takes. At most twice as many are kept here, and so written again with every receipt.</summary>
    public const int PageSize = 50;

    /// <summary>The latest receipts, oldest first; those before lie in pages.</summary>
    [Id(5)] public List<LedgerMirrorEntry> Ledger { get; set; } = [];

    [Id(6)] public int Pages { get; set; }

    /// <summary>By data set, the one that was used last at the end; null in records of earlier programs, whose ledger is whole.</summary>
    [Id(7)] public List<DataSetSpending>? Spent { get; set; }

    /// <summary>The latest place in the node's ledger of which there is a receipt; 0 = none.</summary>
    [Id(8)] public long Receipted { get; set; }
}
