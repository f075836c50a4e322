namespace FedLora.Benchmarks.Serve;

/// <summary>
/// Something that a coordinator is asked for, and what it takes. It speaks the wire contract only, so that an older build can be asked the
/// same.
/// </summary>
internal interface IServeCase
{
    /// <summary>For <c>--case</c>.</summary>
    string Name { get; }

    /// <summary>Whether the coordinator speaks mutual TLS.</summary>
    bool Tls => false;

    /// <summary>Measures on a coordinator that was just started on an empty folder.</summary>
    /// <param name="server">The coordinator.</param>
    /// <param name="size">How much of it.</param>
    /// <param name="remark">Says what it is at.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<IReadOnlyList<ServeFigure>> MeasureAsync(ServerProcess server, ServeSize size, Action<string> remark,
        CancellationToken cancellationToken);
}

/// <summary>How much is asked.</summary>
/// <param name="Nodes">Nodes of a crowd.</param>
/// <param name="Rounds">Rounds of a long federation.</param>
/// <param name="Polling">Nodes that are there beside those that send updates, and only poll.</param>
internal sealed record ServeSize(int Nodes, int Rounds, int Polling);

/// <summary>One measured figure.</summary>
/// <param name="Name">Stable name of the row.</param>
/// <param name="Value">In <paramref name="Unit"/>.</param>
/// <param name="Unit">E.g. <c>ms</c>.</param>
/// <param name="LessIsBetter">False for a rate.</param>
internal sealed record ServeFigure(string Name, double Value, string Unit, bool LessIsBetter = true)
{
    /// <summary>How many times better than a peer's: above 1 = better.</summary>
    public double BetterThan(ServeFigure peer) => LessIsBetter ? peer.Value / Value : Value / peer.Value;
}
