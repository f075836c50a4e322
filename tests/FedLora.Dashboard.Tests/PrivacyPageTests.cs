using System.Globalization;
using System.Text.RegularExpressions;
using FedLora.Dashboard.Pages;
using FedLora.Privacy;
using FedLora.Server.Authentication;
using FedLora.Tests;

namespace FedLora.Dashboard.Tests;

/// <summary>What the privacy officer reads is what the sites have told, and what the accountant says of it.</summary>
public sealed partial class PrivacyPageTests
{
    [Fact]
    public async Task Each_data_set_shows_what_it_has_spent_of_what()
    {
        var history = new History(2, 3, 3, 2);
        await using var site = await Site.StartAsync(history.WriteAsync);
        var browser = await site.LogInAsync(Roles.Auditor);
        var page = await browser.TextAsync("/privacy");
        Assert.Contains("3 data sets of 3 sites", Words(page), StringComparison.Ordinal);
        // Two federations, three rounds of two nodes in turn: four receipts each.
        Assert.Equal(3,
            Regex.Count(page, $@"<td class=""n"">{Regex.Escape(Show.Spent(History.SpentAfter(4)))}</td>", RegexOptions.None, Bench.Never));
        Assert.Equal(3, Regex.Count(page, "<meter", RegexOptions.None, Bench.Never));
        Assert.DoesNotContain("site-003", await browser.TextAsync("/privacy?q=site-001"), StringComparison.Ordinal);
        Assert.Contains("Nothing here is called", await browser.TextAsync("/privacy?q=nobody"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_set_shows_interval_parts_projection_and_who_left_it_out()
    {
        var history = new History(2, 3, 3, 2);
        await using var site = await Site.StartAsync(history.WriteAsync);
        var browser = await site.LogInAsync(Roles.Auditor);
        var past = new[] { new SampledGaussian(History.Sigma, History.Rate, 4 * History.Steps) };
        var bound = Accountants.Default.Epsilon(past, History.Delta, TestContext.Current.CancellationToken);
        var left =
            Calibration.Steps(Accountants.Default, History.Limit, History.Delta, History.Sigma, History.Rate, past,
                TestContext.Current.CancellationToken) / History.Steps;
        var page = Words(await CompleteAsync(browser, $"/privacy/{History.NodeName(0)}/{History.DataSet(0)}"));
        var shown = Shown(Interval(), page);
        // Bounds stray a little with the grid that the accountant happens to have at hand; what is shown is rounded outwards.
        Assert.InRange(shown[0], bound.Lower - 3e-4, bound.Lower + 1e-4);
        Assert.InRange(shown[1], bound.Epsilon - 1e-4, bound.Epsilon + 3e-4);
        Assert.InRange(Shown(More(), page)[0], left - 1, left + 1);
        Assert.Contains("Assumed: all further rounds are like the last one", page, StringComparison.Ordinal);
        Assert.Contains("mail-01", page, StringComparison.Ordinal);
        Assert.Contains("mail-02", page, StringComparison.Ordinal);
        Assert.Contains("one more round would bring the data set to epsilon 4.01", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_if_is_the_accountants_answer()
    {
        var history = new History(1, 3, 2, 2);
        await using var site = await Site.StartAsync(history.WriteAsync);
        var browser = await site.LogInAsync(Roles.Auditor);
        var answer =
            WhatIf.Ask([new SampledGaussian(History.Sigma, History.Rate, 3 * History.Steps)], new SampledGaussian(0.8, 0.03, 12), 40,
                new(History.Limit, History.Delta), cancellationToken: TestContext.Current.CancellationToken);
        var page = await browser.TextAsync($"/privacy/{History.NodeName(0)}/{History.DataSet(0)}?rounds=40&steps=12&q=0.03&sigma=0.8");
        Assert.Equal(answer.NoiseMultiplier!.Value, Shown(Answer(), page)[0], 1e-4);
        Assert.InRange(Shown(Fit(), Words(page))[0], answer.RoundsThatFit!.Value - 1, answer.RoundsThatFit.Value + 1);
        foreach (var nonsense in (string[])["rounds=0", "rounds=5&q=2", "rounds=5&sigma=-1", "rounds=5&steps=0"])
        {
            using var refused = await browser.OpenAsync($"/privacy/{History.NodeName(0)}/{History.DataSet(0)}?{nonsense}");
            Assert.Equal(System.Net.HttpStatusCode.BadRequest, refused.StatusCode);
        }
    }

    [Fact]
    public async Task Receipts_go_out_as_a_table_and_the_statement_names_its_terms()
    {
        var history = new History(2, 3, 3, 2);
        await using var site = await Site.StartAsync(history.WriteAsync);
        var browser = await site.LogInAsync(Roles.Auditor);
        var lines = (await browser.TextAsync("/privacy/all.csv")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1 + 2 * 3 * 2, lines.Length);
        Assert.All(lines, line => Assert.Equal(lines[0].Count(c => c == ','), line.Count(c => c == ',')));
        Assert.Contains($"site-001,{History.DataSet(0)},mail-01,1,", lines[1], StringComparison.Ordinal);
        var one = await browser.TextAsync($"/privacy/{History.NodeName(0)}/{History.DataSet(0)}/receipts.csv");
        Assert.Equal(5, one.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        var statement = Words(await browser.TextAsync($"/privacy/{History.NodeName(0)}/{History.DataSet(0)}/statement"));
        foreach (var term in (string[])["Poisson-subsampled Gaussian", "adding or removing one unit", "one example",
            "privacy loss distributions", "epsilon 4 at delta 1e-5"])
            Assert.Contains(term, statement, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Empty_pages_say_what_to_do()
    {
        await using var site = await Site.StartAsync();
        var browser = await site.LogInAsync(Roles.Operator);
        Assert.Contains("No data set has spent anything yet", await browser.TextAsync("/privacy"), StringComparison.Ordinal);
        Assert.Contains("fedlora admin federation create", await browser.TextAsync("/federations"), StringComparison.Ordinal);
        Assert.Contains("fedlora admin token create", await browser.TextAsync("/nodes"), StringComparison.Ordinal);
        Assert.Contains("The first federation comes from the command line", await browser.TextAsync("/create"), StringComparison.Ordinal);
        foreach (var (path, what) in ((string, string)[])[("/federations/none", "no federation"),
            ("/federations/%20", "no federation"), ("/nodes/none", "no node"), ("/privacy/none/none", "no node")])
        {
            using var answer = await browser.OpenAsync(path);
            Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Contains(what, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                StringComparison.OrdinalIgnoreCase);
        }
    }

    // The page never waits long for the accountant; what is being worked out is there when it is asked for again.
    private static async Task<string> CompleteAsync(HttpClient browser, string path)
    {
        var page = "";
        await Until.SoAsync($"{path} is worked out", async () =>
        {
            page = await browser.TextAsync(path);
            return !page.Contains("in a moment", StringComparison.Ordinal) && !page.Contains('…', StringComparison.Ordinal);
        });
        return page;
    }

    private static string Words(string html) => White().Replace(System.Net.WebUtility.HtmlDecode(Tags().Replace(html, "")), " ");

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex(@"\s+")]
    private static partial Regex White();

    private static double[] Shown(Regex pattern, string text) =>
        [.. pattern.Match(text).Groups.Values.Skip(1)
            .Select(group => double.Parse(group.Value, NumberStyles.Number | NumberStyles.Float, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"lies between ([\d.]+) and ([\d.]+) ")]
    private static partial Regex Interval();

    [GeneratedRegex(@"([\d,]+) more rounds")]
    private static partial Regex More();

    [GeneratedRegex(@"([\d,]+) rounds fit")]
    private static partial Regex Fit();

    [GeneratedRegex("data-answer=\"([^\"]*)\"")]
    private static partial Regex Answer();
}
