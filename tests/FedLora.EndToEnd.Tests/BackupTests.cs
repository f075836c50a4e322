using System.Text.Json;
using FedLora.Core.Audit;
using FedLora.Protocol.V1;
using FedLora.Server.Backups;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// Backups are taken while nodes upload; the coordinator is killed, and another one made of a backup goes on: nothing that was acknowledged
/// before the backup is lost, and what nodes were told since then stops nobody.
/// </summary>
public sealed class BackupTests : IDisposable
{
    private const uint Rounds = 9;
    private const int Modules = 8;
    private static readonly CohortRules BothNodes = new() { Size = 2, Quorum = 2, MinNodes = 2, DeadlineSeconds = 600 };
    private static readonly Lazy<Task<string>> Undisturbed = new(RunUndisturbedAsync);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-backups-");

    private string Backups => Path.Combine(_folder.FullName, "backups");

    [Fact]
    public async Task A_backup_taken_under_load_goes_on_where_it_was()
    {
        await using var first = await CoordinatorProcess.StartAsync(Path.Combine(_folder.FullName, "first"));
        await using var load = await Load.StartAsync(first, Rounds, Modules, BothNodes);
        await load.UntilRoundAsync(2);
        var acknowledged = load.Acknowledged();
        var taken = await RunAsync("--data", first.Data, "backup", Backups);
        // Who took it stands where what operators do stands, and so does one that failed.
        Assert.Equal(1, (await Programs.RunAsync("admin", "--data", first.Data, "backup", first.Data)).Code);
        Assert.Equal([("done", $"{taken.GetProperty("backup").GetString()} in {Backups}"), ("backup-invalid", first.Data)],
            AuditFiles.Read(AuditLog.FolderIn(first.Data)).Where(entry => entry.Fields.GetValueOrDefault("action") == "Backup")
                .Select(entry => (entry.Fields["outcome"], entry.Fields["subject"])));
        await load.UntilRoundAsync(4);
        var next = await TakeAsync(first.Data, null);
        // What the first has copied is not copied again.
        Assert.InRange(next.NewBytes, 1, next.Bytes - 1);
        await load.UntilRoundAsync(7);
        await first.KillAsync();
        load.PutBack(acknowledged);

        // The older one: nodes were told of rounds that this coordinator has yet to open.
        var data = Path.Combine(_folder.FullName, "second");
        await RunAsync("--data", data, "restore", Backups, "--at", taken.GetProperty("backup").GetString()!);
        await using var second = await first.SucceedAsync(data);
        Assert.Equal(await Undisturbed.Value, await load.FinishAsync(second));
        Assert.Single(AuditFiles.Read(AuditLog.FolderIn(data)), entry => entry.Event == "Restored");
    }

    [Fact]
    public async Task A_federation_goes_on_in_PostgreSQL_and_comes_back()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        var (data, postgres) = (Path.Combine(_folder.FullName, "first"), PostgresServer.NewDatabase());
        await using var first = await CoordinatorProcess.StartAsync(data);
        await using var load = await Load.StartAsync(first, Rounds, Modules, BothNodes);
        await load.UntilRoundAsync(2);
        await first.KillAsync();
        await RunAsync("--data", data, "move", "--to", postgres);
        await using (var second = await first.SucceedAsync(data, "--postgres", postgres))
        {
            await load.UntilRoundAsync(5);
            var acknowledged = load.Acknowledged();
            await TakeAsync(data, postgres);
            await load.UntilRoundAsync(7);
            await second.KillAsync();
            load.PutBack(acknowledged);
        }

        var third = Path.Combine(_folder.FullName, "third");
        await CoordinatorRestore.RestoreAsync(Backups, null, third, null, null, TimeProvider.System, TestContext.Current.CancellationToken);
        await using var last = await first.SucceedAsync(third);
        Assert.Equal(await Undisturbed.Value, await load.FinishAsync(last));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<string> RunUndisturbedAsync()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        await using var load = await Load.StartAsync(coordinator, Rounds, Modules, BothNodes);
        return await load.FinishAsync(coordinator);
    }

    private Task<BackupTaken> TakeAsync(string data, string? postgres) => CoordinatorBackup.TakeAsync(data, postgres, Backups, null,
        reread: false, null, TimeProvider.System, TestContext.Current.CancellationToken);

    private static async Task<JsonElement> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await Programs.RunAsync(["admin", .. arguments, "--json"]);
        Assert.True(code == 0, output + errors);
        return JsonDocument.Parse(output).RootElement;
    }
}
