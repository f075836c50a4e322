using System.Diagnostics;
using FedLora.Simulations.Report;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;
using FedLora.Simulations.Tests.Running;

namespace FedLora.Simulations.Tests.Report;

public sealed class ReportPageTests : IDisposable
{
    private const string Browser = "/usr/bin/chromium";
    private readonly SmallScenario _small = new();

    [Fact]
    public void It_needs_nothing_but_itself_and_says_what_ran()
    {
        var page = File.ReadAllText(Write());
        Assert.DoesNotContain("{{", page.Replace("{{\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotMatch("(?:src|href)=\"", page);
        Assert.Contains("\\u003cb>mail &", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>mail", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_browser_draws_its_charts()
    {
        if (!File.Exists(Browser))
            Assert.Skip($"{Browser} is not there");
        var start = new ProcessStartInfo(Browser)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                $"--user-data-dir={Path.Combine(_small.Folder, "browser")}",
                "--virtual-time-budget=2000",
                "--dump-dom",
                $"file://{Write()}",
            },
        };
        using var browser = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var errors = browser.StandardError.ReadToEndAsync(limit.Token);
        var page = await browser.StandardOutput.ReadToEndAsync(limit.Token);
        await browser.WaitForExitAsync(limit.Token);
        _ = await errors;
        // Accuracy, loss, bytes, virtual time, aggregation error, and the spread over nodes.
        Assert.Contains("data-drawn=\"6\"", page, StringComparison.Ordinal);
        Assert.Contains("round 3 of method=fedit", page, StringComparison.Ordinal);
    }

    public void Dispose() => _small.Dispose();

    private string Write()
    {
        var runs = new List<(RunSummary, string)>();
        foreach (var method in new[] { "fedit", "ffa-lora" })
        {
            var folder = Path.Combine(_small.Folder, method);
            var values = new Dictionary<string, string> { ["federation.method"] = method };
            runs.Add(
                (SimulationRun.Run(SmallScenario.Parse(SmallScenario.Text(method: method)), folder, values, new SmallScenario.Quiet(),
                    default), folder));
        }

        return ReportPage.Write(_small.Folder, runs, "# <b>mail & more</b>\nnodes: 12\n");
    }
}
