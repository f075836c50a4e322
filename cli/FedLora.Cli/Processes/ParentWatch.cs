using System.CommandLine;

namespace FedLora.Cli.Processes;

/// <summary>
/// A program that another one started ends with it: the parent holds the other end of standard input, and when the parent is gone, however
/// it went, standard input ends.
/// </summary>
internal static class ParentWatch
{
    /// <summary>Set by programs that start this one; not for people.</summary>
    internal static Option<bool> Create() => new("--with-parent") { Hidden = true };

    /// <summary>A cancellation that also comes when standard input ends.</summary>
    internal static CancellationTokenSource Follow(bool watch, CancellationToken cancellationToken)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (watch)
            new Thread(() => WaitForEnd(source)) { IsBackground = true, Name = "parent" }.Start();
        return source;
    }

    private static void WaitForEnd(CancellationTokenSource source)
    {
        using var input = Console.OpenStandardInput();
        Span<byte> buffer = stackalloc byte[16];
        while (input.Read(buffer) > 0)
        {
            // Nobody writes there; whatever comes, only the end counts.
        }
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The command had ended before its parent did.
        }
    }
}
