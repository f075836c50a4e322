using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using Grpc.Core;

namespace FedLora.Cli.Commands.Admin;

/// <summary>
/// How an operator or auditor reaches a coordinator: by its data folder on the same machine, or by address and certificate (without TLS:
/// token).
/// </summary>
internal static class Operator
{
    private const string TokenVariable = "FEDLORA_OPERATOR_TOKEN";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly Option<string?> Data = new("--data")
    {
        Description = "The coordinator's data folder, on the machine where it runs: address and the operator's identity are read there.",
        Recursive = true,
    };
    private static readonly Option<string?> Coordinator = new("--coordinator")
    {
        Description =
            $"Address of the coordinator; with https:// and --identity, or, on loopback without TLS, with the operator (or auditor) token "
                + $"in {TokenVariable}.",
        Recursive = true,
    };
    private static readonly Option<string?> Identity = new("--identity")
    {
        Description = "Folder of the certificate that 'fedlora admin join' got.",
        Recursive = true,
    };

    /// <summary>Understood by every command below <c>admin</c>.</summary>
    internal static IReadOnlyList<Option> Options { get; } = [Data, Coordinator, Identity];

    /// <summary>Binds a command to what it does at a coordinator; gRPC errors become errors for people.</summary>
    internal static Command RunsAtCoordinator(this Command command,
        Func<ParseResult, CommandOutput, CoordinatorConnection, CancellationToken, Task> action) =>
            command.Runs((parsed, output, cancellationToken) => AtCoordinatorAsync(parsed,
                connection => action(parsed, output, connection, cancellationToken), cancellationToken));

    /// <summary>Makes calls at the coordinator that the command line names.</summary>
    internal static async Task AtCoordinatorAsync(ParseResult parsed, Func<CoordinatorConnection, Task> calls,
        CancellationToken cancellationToken)
    {
        var (url, token, identity) = await ReachAsync(parsed, cancellationToken);
        using (identity)
        using (var connection = new CoordinatorConnection(url, identity: identity) { Credential = token })
            await ExplainedAsync(url, connection, () => calls(connection), cancellationToken);
    }

    /// <summary>Options of one call of an operator.</summary>
    internal static CallOptions Call(this CoordinatorConnection connection, CancellationToken cancellationToken) =>
        connection.Options(cancellationToken, Limit);

    /// <summary>The coordinator's data folder on this machine, where one was given.</summary>
    internal static string? DataOf(ParseResult parsed) => parsed.GetValue(Data);

    /// <summary>Where <c>join</c> goes, and what it fills.</summary>
    internal static (CoordinatorAddress Address, string Folder) Joins(ParseResult parsed)
    {
        var url = parsed.GetValue(Coordinator)
            ?? throw new UsageException("no coordinator is named", "Give --coordinator https://HOST:PORT.");
        var folder = parsed.GetValue(Identity)
            ?? throw new UsageException("no folder for the certificate is named", "Give --identity DIR; it is made if it is not there.");
        var address = new CoordinatorAddress(url);
        return address.IsSecure ? (address, folder)
            : throw new UsageException($"'{url}' has no TLS, so it gives no certificates", "Give the address as https://HOST:PORT.");
    }

    /// <summary>Whose certificate lies in the folder that was named, and where its coordinator is.</summary>
    internal static async Task<(string Url, PeerIdentity Holder)> HolderAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(Identity) is null)
            throw new UsageException("no folder of a certificate is named",
                "Give --identity DIR, which the command join has filled; what lies in the data folder ends with the coordinator's next "
                    + "start.");
        var (url, _, identity) = await ReachAsync(parsed, cancellationToken);
        return identity is not null ? (url, identity)
            : throw new UsageException($"'{url}' has no TLS, so it gives no certificates", "Give the address as https://HOST:PORT.");
    }

    /// <summary>Runs calls; gRPC errors become errors for people.</summary>
    internal static async Task ExplainedAsync(string url, CoordinatorConnection? connection, Func<Task> calls,
        CancellationToken cancellationToken)
    {
        try
        {
            await calls();
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException and not InterruptedException
            && cancellationToken.IsCancellationRequested)
        {
            throw new InterruptedException("interrupted before the coordinator had answered",
                "It may have done what was asked; see: fedlora admin federation list", error);
        }
        catch (RpcException error)
        {
            throw connection is null ? CoordinatorConnection.Explain(error, url)
                : await MeantName.AskAsync(connection.Explain(error), connection, cancellationToken);
        }
    }

    private static async Task<(string Url, string? Token, PeerIdentity? Identity)> ReachAsync(ParseResult parsed,
        CancellationToken cancellationToken)
    {
        var (data, folder) = (parsed.GetValue(Data), parsed.GetValue(Identity));
        var url = parsed.GetValue(Coordinator)
            ?? (data is null ? null : Read(DataFolder.UrlFileOf(data), "no coordinator is running on this data folder", data))
                ?? throw new UsageException("no coordinator is named",
                    "Give --data DIR of a coordinator on this machine, or --coordinator URL.");
        if (url.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
            return (url, null, await IdentityAsync(url, data, folder, cancellationToken));
        var token = Environment.GetEnvironmentVariable(TokenVariable)
            ?? (data is null ? null : Read(AccessTokens.FileOf(data, Roles.Operator), "it is not a coordinator's data folder", data))
                ?? throw new UsageException($"--coordinator needs the operator token in {TokenVariable}",
                    "It is the content of operator.token (or, to read only, of auditor.token) in the coordinator's data folder.");
        return (url, token, null);
    }

    private static async Task<PeerIdentity> IdentityAsync(string url, string? data, string? folder, CancellationToken cancellationToken)
    {
        var from = folder ?? data
            ?? throw new UsageException($"{url} asks for a certificate",
                "Give --identity DIR, which the command join has filled, or --data DIR on the coordinator's machine.");
        var identity = new PeerIdentity(from, "operator", TimeProvider.System);
        if (identity.Certificate is null)
            throw new FedLoraException("coordinator-unknown", $"there is no certificate in {from}",
                folder is null ? "is the coordinator of this data folder running?"
                    : "Join first, with the token that an operator made: fedlora admin join --help");
        // The data folder's own is renewed by the coordinator.
        if (folder is not null && identity.IsRenewalDue)
            await ExplainedAsync(url, null, () => Joining.RenewAsync(identity, new CoordinatorAddress(url), cancellationToken),
                cancellationToken);
        return identity;
    }

    private static string Read(string file, string otherwise, string data) => File.Exists(file)
        ? File.ReadAllText(file).Trim()
        : throw new FedLoraException("coordinator-unknown", $"{file} is not there: {otherwise}",
            $"name another folder, or start a coordinator on it: fedlora server --data {PrintedCommands.Quoted(data)}");
}
