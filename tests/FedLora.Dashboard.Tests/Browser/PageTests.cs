using FedLora.Server.Authentication;
using Microsoft.Playwright;

namespace FedLora.Dashboard.Tests.Browser;

/// <summary>The pages in a real browser: readable by everyone, on small screens and on paper.</summary>
public sealed class PageTests(Chromium chromium)
{
    private static readonly History Months = new(3, 30, 6, 3);

    private static readonly (string Name, string Path)[] Pages =
    [
        ("privacy", "/privacy"), ("data-set", $"/privacy/{History.NodeName(0)}/{History.DataSet(0)}"),
            ("statement", $"/privacy/{History.NodeName(0)}/{History.DataSet(0)}/statement"),
        ("federations", "/federations"), ("federation", "/federations/mail-01"), ("round", "/federations/mail-01/rounds/30"),
            ("create", "/create"), ("nodes", "/nodes"),
        ("node", "/nodes/site-001"), ("audit", "/audit"), ("cluster", "/cluster"), ("nothing", "/federations/nobody"),
    ];

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 360)]
    public async Task Every_page_is_accessible_and_fits(ColorScheme scheme, int width)
    {
        await using var site = await Site.StartAsync(Months.WriteAsync);
        var page = await chromium.OpenAsync(site.Bench, Roles.Operator, width, scheme);
        var wrong = new List<string>();
        page.Console += (_, message) =>
        {
            // What the policy forbids is said there.
            if (message.Type == "error" && !message.Text.Contains("404", StringComparison.Ordinal))
                wrong.Add($"{page.Url}: {message.Text}");
        };
        foreach (var (name, path) in Pages)
        {
            await page.GotoAsync(site.Bench.Pages + path);
            wrong.AddRange(await Chromium.ViolationsAsync(page));
            if (await page.EvaluateAsync<bool>("document.documentElement.scrollWidth > window.innerWidth"))
                wrong.Add($"{path} is wider than {width} px");
            await Chromium.PictureAsync(page, $"dashboard-{name}-{scheme.ToString().ToLowerInvariant()}-{width}.png");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Times_are_the_readers_and_the_first_stop_of_the_keyboard_is_the_content()
    {
        await using var site = await Site.StartAsync(Months.WriteAsync);
        var page = await chromium.OpenAsync(site.Bench, Roles.Auditor);
        Assert.Matches(@"(CET|CEST|GMT\+[12])", await page.Locator("time").First.InnerTextAsync());
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("To the content", await page.EvaluateAsync<string>("document.activeElement.textContent"));
        await page.Keyboard.PressAsync("Enter");
        Assert.Equal("main", await page.EvaluateAsync<string>("document.activeElement.id"));
        // An auditor is offered nothing that changes something.
        await page.GotoAsync(site.Bench.Pages + "/federations/mail-01");
        Assert.Equal(0, await page.GetByText("Newest adapter").CountAsync());
    }

    [Fact]
    public async Task On_paper_the_statement_is_all_there_is()
    {
        await using var site = await Site.StartAsync(Months.WriteAsync);
        var page = await chromium.OpenAsync(site.Bench, Roles.Auditor);
        await page.GotoAsync(site.Bench.Pages + Pages[2].Path);
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { Media = Media.Print });
        Assert.False(await page.GetByRole(AriaRole.Navigation).First.IsVisibleAsync());
        Assert.False(await page.GetByText("Log out").IsVisibleAsync());
        Assert.True(await page.GetByText("Poisson-subsampled Gaussian").IsVisibleAsync());
        Assert.True(await page.GetByText("adding or removing one unit").IsVisibleAsync());
        await Chromium.PictureAsync(page, "dashboard-statement-print.png", whole: true);
    }

    [Fact]
    public async Task What_if_is_asked_and_answered_on_the_page()
    {
        await using var site = await Site.StartAsync(Months.WriteAsync);
        var page = await chromium.OpenAsync(site.Bench, Roles.Auditor);
        await page.GotoAsync(site.Bench.Pages + Pages[1].Path);
        await page.GetByLabel("Further rounds").FillAsync("25");
        await page.GetByRole(AriaRole.Button, new() { Name = "Ask" }).ClickAsync();
        await page.Locator("[data-answer]").WaitForAsync();
        Assert.Contains($"After 25 more rounds at sigma {History.Sigma}", await page.Locator("[data-answer]")
            .InnerTextAsync(), StringComparison.Ordinal);
        await Chromium.PictureAsync(page, "dashboard-what-if.png");
    }
}
