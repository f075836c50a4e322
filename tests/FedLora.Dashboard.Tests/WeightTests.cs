using System.Diagnostics;
using System.Text;
using FedLora.Dashboard.Hosting;
using FedLora.Server.Authentication;
using FedLora.Server.Backups;
using FedLora.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FedLora.Dashboard.Tests;

/// <summary>Pages stay small however much has happened. How long they take is said, not asserted: that is the machine's too.</summary>
public sealed class WeightTests(ITestOutputHelper output)
{
    /// <summary>Another history, as FEDERATIONSxROUNDSxNODES, e.g. 50x500x200: for measuring.</summary>
    private const string Variable = "FEDLORA_HISTORY";

    private static readonly string[] Lists = ["/privacy", "/federations", "/nodes", "/federations/mail-01", "/create", "/audit"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_list_stays_below_200_kB_with_many_sites_and_federations(bool inPostgres)
    {
        Assert.SkipUnless(!inPostgres || PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        // Beyond one page of each list; bytes of a page do not depend on how many receipts and rounds lie behind a row.
        var size = Environment.GetEnvironmentVariable(Variable)?.Split('x').Select(int.Parse).ToArray();
        var history = size is [var federations, var rounds, var nodes] ? new History(federations, rounds, nodes, 10)
            : new History(60, 70, 210, 2);
        FirstPages? ahead = null;
        var postgres = inPostgres ? PostgresServer.NewDatabase() : null;
        await using var site = await Site.StartAsync(async folder =>
            {
                await history.WriteAsync(folder);
                if (postgres is not null)
                    await CoordinatorMove.RunAsync(folder, postgres, null, TimeProvider.System, TestContext.Current.CancellationToken);
            },
            builder => builder.Services.AddSingleton<IHostedService>(
                services => new Starting(() => ahead = services.GetRequiredService<FirstPages>())), postgres);
        var browser = await site.LogInAsync(Roles.Operator);
        // As some seconds after every start.
        await ahead!.MakeAsync(TestContext.Current.CancellationToken);
        var shared = 0;
        foreach (var file in (string[])["style.css", "live.js", "icon.svg"])
            shared += (await browser.TextAsync($"/assets/{file}")).Length;
        foreach (var path in (string[])[.. Lists, $"/federations/mail-01/rounds/{history.Rounds}"])
        {
            var times = new List<double>();
            var page = "";
            for (var turn = 0; turn < 6; turn++)
            {
                var watch = Stopwatch.StartNew();
                page = await browser.TextAsync(path);
                times.Add(watch.Elapsed.TotalMilliseconds);
            }
            var bytes = Encoding.UTF8.GetByteCount(page) + shared;
            output.WriteLine(
                $"{path}: {bytes} bytes with what it loads; first {times[0]:0} ms, then {times.Skip(1).Order().ElementAt(2):0} ms (median "
                    + $"of 5)");
            Assert.True(bytes < 200_000, $"{path} and what it loads have {bytes} bytes");
        }
    }
}
