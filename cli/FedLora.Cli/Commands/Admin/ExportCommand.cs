using System.CommandLine;
using FedLora.Adapters;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Federations.Exports;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin export</c>: the global adapter as a PEFT folder.</summary>
internal static class ExportCommand
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "The federation." };
        var to = new Option<string>("--out") { Description = "Folder to write, as PEFT loads it.", Required = true };
        var round = new Option<uint?>("--round") { Description = "The adapter after this round; default: the newest." };
        return new Command("export", "Write a federation's adapter as a PEFT folder.") { name, to, round }
            .Writes(typeof(ExportJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
        {
            var (federation, wanted) = (parsed.GetValue(name)!, parsed.GetValue(round));
            if (wanted is null)
                await RequireRoundAsync(connection, federation, cancellationToken);
            var (peft, done) = await FetchAsync(connection, federation, wanted, cancellationToken);
            var folder = Path.GetFullPath(parsed.GetValue(to)!);
            peft.Write(folder);
            output.Result(
                new ExportJson(folder, done, peft.Config.Rank, peft.State.ParameterCount),
                console =>
                    console.WriteLine(
                        done == 0 ? $"The first adapter, which nobody has trained, is in {folder}."
                            : $"The adapter after round {done} is in {folder}."));
        });
    }

    // An adapter that does nothing is hardly what somebody wants who names no round.
    private static async Task RequireRoundAsync(CoordinatorConnection connection, string federation, CancellationToken cancellationToken)
    {
        var view = await connection.Admin.ShowFederationAsync(new FederationName { Name = federation }, connection.Call(cancellationToken));
        if (view.RoundsDone == 0)
        {
            throw new FedLoraException("round-unknown", $"no round of '{federation}' is done yet, so there is nothing trained to export",
                $"Wait for round 1, see: fedlora admin federation show {federation}; or ask for the untrained first adapter with --round "
                    + $"0.");
        }
    }

    /// <summary>Fetches an adapter and makes it what PEFT loads.</summary>
    internal static async Task<(PeftFolder Adapter, uint Round)> FetchAsync(CoordinatorConnection connection, string federation,
        uint? round, CancellationToken cancellationToken)
    {
        var request = new ExportAdapterRequest { Federation = federation };
        if (round is { } wanted)
            request.Round = wanted;
        var export = await connection.Admin.ExportAdapterAsync(request, connection.Call(cancellationToken));
        var global = await FetchAsync(connection, export.Adapter, cancellationToken);
        var folds = new List<AdapterState>();
        foreach (var fold in export.Fold)
            folds.Add(await FetchAsync(connection, fold, cancellationToken));
        var definition = export.Definition.ToModel();
        return (AdapterExport.ToPeft(definition, global, (int)export.Round, folds, PrivacyPromise.Of(definition, (int)export.Round)),
            export.Round);
    }

    /// <summary>Fetches the newest global adapter as the coordinator has it.</summary>
    internal static async Task<AdapterState> FetchGlobalAsync(CoordinatorConnection connection, string federation,
        CancellationToken cancellationToken)
    {
        var export = await connection.Admin.ExportAdapterAsync(new ExportAdapterRequest { Federation = federation },
            connection.Call(cancellationToken));
        return await FetchAsync(connection, export.Adapter, cancellationToken);
    }

    private static async Task<AdapterState> FetchAsync(CoordinatorConnection connection, AdapterRef adapter,
        CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        using var limit = new IdleLimit(Idle, TimeProvider.System, cancellationToken);
        await limit.RunAsync(() => $"the download at byte {bytes.Length}", async () =>
        {
            foreach (var part in adapter.Parts)
            {
                using var call = connection.Admin.GetBlob(new GetBlobRequest { Sha256 = part.Sha256 }, connection.Options(limit.Token));
                while (await call.ResponseStream.MoveNext(limit.Token))
                {
                    await bytes.WriteAsync(call.ResponseStream.Current.Data.Memory, limit.Token);
                    limit.Moved();
                }
            }
        });
        var state = AdapterState.FromBytes(bytes.ToArray(), $"adapter {adapter.Sha256}");
        return state.Hash == adapter.Sha256
            ? state
            : throw new FedLoraException("blob-invalid", $"what arrived as adapter {adapter.Sha256} is another one",
                "try again; if this repeats, the coordinator's store is damaged");
    }
}

/// <param name="Adapter">The PEFT folder.</param>
/// <param name="Round">After which it is; 0: the first adapter, which nobody has trained.</param>
/// <param name="Rank">Its r.</param>
/// <param name="Parameters">How many it has.</param>
internal sealed record ExportJson(string Adapter, uint Round, int Rank, long Parameters);
