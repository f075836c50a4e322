using System.Text;
using FedLora.Server.Authentication;

namespace FedLora.Dashboard.Tests;

/// <summary>Pages stay small however much has happened.</summary>
public sealed class WeightTests
{
    [Fact]
    public async Task Every_list_stays_below_200_kB_with_many_sites_and_federations()
    {
        // Beyond one page of each list; bytes of a page do not depend on how many receipts and rounds lie behind a row.
        var history = new History(60, 70, 210, 2);
        await using var site = await Site.StartAsync(history.WriteAsync);
        var browser = await site.LogInAsync(Roles.Operator);
        var shared = 0;
        foreach (var file in (string[])["style.css", "live.js", "icon.svg"])
            shared += (await browser.TextAsync($"/assets/{file}")).Length;
        foreach (var path in (string[])["/privacy", "/federations", "/nodes", "/federations/mail-01", "/federations/mail-01/rounds/70", "/create"])
        {
            var page = await browser.TextAsync(path);
            Assert.True(Encoding.UTF8.GetByteCount(page) + shared < 200_000, $"{path} and what it loads have {Encoding.UTF8.GetByteCount(page) + shared} bytes");
        }
    }
}
