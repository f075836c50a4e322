namespace FedLora.Cli;

/// <summary>What the program ends with.</summary>
public static class ExitCode
{
    public const int Success = 0;

    public const int Failure = 1;

    /// <summary>The command line itself was wrong.</summary>
    public const int Usage = 2;

    /// <summary>Ctrl-C or SIGTERM, as shells report it.</summary>
    public const int Interrupted = 130;
}
