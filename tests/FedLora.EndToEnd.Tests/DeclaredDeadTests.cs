using FedLora.Tests;
using Npgsql;

namespace FedLora.EndToEnd.Tests;

/// <summary>A coordinator that was too slow for the others ended with Orleans' thousand lines, aborted, and dumped core.</summary>
public sealed class DeclaredDeadTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-dead-");

    [Fact]
    public async Task One_that_the_others_have_declared_dead_says_so_in_one_line_and_ends()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        var postgres = PostgresServer.NewDatabase();
        using var coordinator = new RunningProgram(["server", "--data", _folder.FullName, "--listen", "http://127.0.0.1:0", "--dashboard",
            "off", "--postgres", postgres, "--with-parent"]);
        await coordinator.SaidAsync("coordinator on");
        // As the others do: in the table of members, which it reads every two seconds.
        await using (var database = NpgsqlDataSource.Create(postgres))
        {
            await using var declare = database.CreateCommand(
                "UPDATE membership SET status = 6; UPDATE membership_version SET version = version + 1");
            await declare.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(1, await coordinator.EndedAsync());
        Assert.StartsWith("fedlora: the other coordinators of the cluster have declared this one dead", coordinator.LastLine,
            StringComparison.Ordinal);
        foreach (var dumped in (string[])["FATAL", "   at ", "membership"])
            Assert.False(coordinator.HasSaid(dumped), $"the library's own words are there too: {dumped}");
        // Its folder is free again.
        Assert.False(File.Exists(Path.Combine(_folder.FullName, "coordinator.url")));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
