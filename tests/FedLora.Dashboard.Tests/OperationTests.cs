using System.Net;
using System.Text.RegularExpressions;
using FedLora.Grains;
using FedLora.Privacy.Ledger;
using FedLora.Server.Authentication;
using FedLora.Tests;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FedLora.Dashboard.Tests;

/// <summary>What other programs ask the coordinator by HTTP.</summary>
public sealed partial class OperationTests
{
    [Fact]
    public async Task A_coordinator_that_is_alone_promises_no_takeover()
    {
        await using var site = await Site.StartAsync();
        var page = await (await site.LogInAsync(Roles.Auditor)).TextAsync("/cluster");
        Assert.Contains("1 coordinator is active.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("where one dies", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Not_ready_where_the_database_is_away_and_alive_all_the_same()
    {
        await using var site = await Site.StartAsync();
        var stranger = site.Stranger();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(stranger, "/readyz"));
        var state = new SqliteConnectionStringBuilder { DataSource = Path.Combine(site.Bench.Data, "state.db") }.ToString();
        await ExecuteAsync(state, "ALTER TABLE grain_state RENAME TO away");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(stranger, "/readyz"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(stranger, "/healthz"));
        await ExecuteAsync(state, "ALTER TABLE away RENAME TO grain_state");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(stranger, "/readyz"));
    }

    [Fact]
    public async Task What_the_Grafana_dashboard_asks_for_is_scraped_by_an_auditors_token_and_by_nobody_else()
    {
        CoordinatorInstruments? instruments = null;
        await using var site =
            await Site.StartAsync(configure: builder =>
                builder.Services.AddSingleton<IHostedService>(services =>
                    new Starting(() => instruments = services.GetRequiredService<CoordinatorInstruments>())));
        using var end = new CancellationTokenSource();
        var node = site.Bench.RunNodeAsync("a", await site.Bench.TokenAsync(), new FakeTrainer(1), end.Token);
        await site.Bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await site.Bench.UntilAsync(view => view.State == Protocol.V1.FederationState.Finished);
        await end.CancelAsync();
        await node;
        instruments!.Spent("a", new LedgerReceipt
        {
            NoiseMultiplier = 1,
            SamplingRate = 0.1,
            Steps = 1,
            ClipNorm = 1,
            Delta = 1e-5,
            EpsilonSpent = 1.5,
            EpsilonLimit = 4,
            DataSet = "d",
            EntryHash = "",
        });

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(site.Stranger(), "/metrics"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(await site.LogInAsync(Roles.Operator), "/metrics"));
        var program = site.Stranger();
        program.DefaultRequestHeaders.Authorization =
            new("Bearer", (await File.ReadAllTextAsync(AccessTokens.FileOf(site.Bench.Data, Roles.Auditor))).Trim());
        var scraped = await program.TextAsync("/metrics");
        var asked = Name().Matches(await File.ReadAllTextAsync(Path.Combine(Fixtures.Repository, "deploy", "grafana", "fedlora.json")))
            .Select(match => match.Value).Distinct().ToList();
        Assert.True(asked.Count >= 7);
        var missing = asked.Where(name => !Regex.IsMatch(scraped, $"^{name}[{{ ]", RegexOptions.Multiline, Bench.Never));
        Assert.Equal("", string.Join(", ", missing));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient browser, string path)
    {
        using var answer = await browser.OpenAsync(path);
        return answer.StatusCode;
    }

    private static async Task ExecuteAsync(string connection, string sql)
    {
        await using var database = new SqliteConnection(connection);
        await database.OpenAsync();
        await using var command = database.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    [GeneratedRegex(@"fedlora_\w+")]
    private static partial Regex Name();
}
