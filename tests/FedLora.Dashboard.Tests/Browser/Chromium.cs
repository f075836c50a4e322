using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using FedLora.Dashboard.Tests.Browser;
using FedLora.Protocol.V1;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Chromium))]

namespace FedLora.Dashboard.Tests.Browser;

/// <summary>A real browser: the system's Chromium, where it has one.</summary>
public sealed class Chromium : IAsyncLifetime
{
    /// <summary>Names another browser's program.</summary>
    private const string Variable = "FEDLORA_CHROMIUM";

    private static readonly string[] Usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        var program = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : Usual.FirstOrDefault(File.Exists);
        if (program is null)
            return;
        _playwright = await Playwright.CreateAsync();
        // Its sandbox asks for rights that a container or root has not; it opens nothing but this test's pages.
        _browser =
            await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = program, Args = ["--no-sandbox"] });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    /// <summary>A window with a session, opened as a person does: by the link and its button.</summary>
    internal async Task<IPage> OpenAsync(Bench bench, string role, int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        var page = await WindowAsync(width, scheme);
        var link =
            await bench.Operator.Upkeep.CreateDashboardLinkAsync(new CreateDashboardLinkRequest { Role = role },
                bench.Operator.Options(default));
        await page.GotoAsync(link.Url);
        await page.GetByRole(AriaRole.Button, new() { Name = "Open the dashboard" }).ClickAsync();
        await page.WaitForURLAsync("**/privacy");
        return page;
    }

    /// <summary>A window in which nothing is open yet.</summary>
    /// <param name="width">Pixels.</param>
    /// <param name="scheme">What the system says.</param>
    /// <param name="certificate">One that its owner has imported.</param>
    internal async Task<IPage> WindowAsync(int width = 1280, ColorScheme scheme = ColorScheme.Light, ClientCertificate? certificate = null)
    {
        Assert.SkipWhen(_browser is null, $"no Chromium is here: apt-get install chromium, or name one in {Variable}");
        var window =
            await _browser!.NewContextAsync(
                new BrowserNewContextOptions
                {
                    ViewportSize = new ViewportSize { Width = width, Height = 900 },
                    ColorScheme = scheme,
                    Locale = "en-GB",
                    TimezoneId = "Europe/Vienna",
                    ClientCertificates = certificate is null ? null : [certificate],
                    // The coordinator's own authority is none of the browser's.
                    IgnoreHTTPSErrors = true,
                });
        var page = await window.NewPageAsync();
        // A page that breaks its own policy, or a script that fails, is a fault of the page.
        page.PageError += (_, error) => throw new InvalidOperationException(error);
        return page;
    }

    /// <summary>What axe-core finds wrong, a line each.</summary>
    internal static async Task<IReadOnlyList<string>> ViolationsAsync(IPage page)
    {
        AxeResult result = await page.RunAxe();
        return [.. result.Violations.Select(violation =>
            $"{page.Url}: {violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}")];
    }

    /// <summary>A picture for the documents, where they are wanted: into the folder that FEDLORA_SCREENSHOTS names.</summary>
    internal static async Task PictureAsync(IPage page, string name, bool whole = false)
    {
        var picture = await page.ScreenshotAsync(new PageScreenshotOptions { FullPage = whole });
        if (Environment.GetEnvironmentVariable("FEDLORA_SCREENSHOTS") is { Length: > 0 } folder)
            await File.WriteAllBytesAsync(Path.Combine(Directory.CreateDirectory(folder).FullName, name), picture);
    }
}
