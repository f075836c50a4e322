using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using FedLora.Dashboard.Hosting;
using FedLora.Server.Hosting;

namespace FedLora.Cli.Tests;

/// <summary><c>fedlora admin browser-certificate</c>: from a join token to an open dashboard.</summary>
public sealed class BrowserCertificateTests : IDisposable
{
    private const string Password = "a long enough one";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-browser-");

    [Fact]
    public async Task Whoever_has_joined_imports_the_file_and_is_in()
    {
        await using var host = await StartAsync();
        using var file = await ExportAsync(host, "--days", "30");
        Assert.Equal(30, (file.NotAfter.ToUniversalTime() - DateTime.UtcNow).TotalDays, 0.1);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Of("anna.p12")));
        Assert.Throws<CryptographicException>(() => X509CertificateLoader.LoadPkcs12FromFile(Of("anna.p12"), "guessed"));
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.ClientCertificates = [file];
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) =>
            shown!.Issuer.StartsWith("CN=FedLora coordinator ", StringComparison.Ordinal);
        using var browser = new HttpClient(handler);
        Assert.Contains("anna, auditor",
            await browser.GetStringAsync(new Uri(host.PagesUrl + "/privacy"), TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        await RunAsync("admin", "--data", Of("server"), "access", "revoke", "anna");
        using var refused = await browser.GetAsync(new Uri(host.PagesUrl + "/privacy"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task What_cannot_be_meant_is_said_in_a_line()
    {
        await using var host = await StartAsync();
        (await ExportAsync(host)).Dispose();
        string[] anna = ["admin", "--coordinator", host.Url, "--identity", Of("anna"), "browser-certificate", "--out", Of("x.p12")];
        await RefusedAsync("--days must be 1 to 366", [.. anna, "--days", "0", "--password-file", Of("password")]);
        await File.WriteAllTextAsync(Of("short"), "short\n", TestContext.Current.CancellationToken);
        await RefusedAsync("has 5 characters, fewer than 8", [.. anna, "--password-file", Of("short")]);
        await RefusedAsync("the password cannot be read", [.. anna, "--password-file", Of("nowhere")]);
        await RefusedAsync("no folder of a certificate is named",
            "admin", "--data", Of("server"), "browser-certificate", "--out", Of("x.p12"), "--password-file", Of("password"));
        Assert.False(File.Exists(Of("x.p12")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private Task<CoordinatorHost> StartAsync() => CoordinatorHost.StartAsync(
        new ServerOptions { Data = Of("server"), Listen = "https://127.0.0.1:0" },
        builder => builder.AddFedLoraDashboard("https://127.0.0.1:0"), TestContext.Current.CancellationToken);

    private async Task<X509Certificate2> ExportAsync(CoordinatorHost host, params string[] more)
    {
        using var token = JsonDocument.Parse(
            await RunAsync("admin", "--data", Of("server"), "token", "create", "--role", "auditor", "--name", "anna", "--json"));
        await File.WriteAllTextAsync(Of("token"), token.RootElement.GetProperty("token").GetString());
        await RunAsync("admin", "--coordinator", host.Url, "--identity", Of("anna"), "join", "--token-file", Of("token"));
        await File.WriteAllTextAsync(Of("password"), Password + "\n");
        await RunAsync(["admin", "--coordinator", host.Url, "--identity", Of("anna"), "browser-certificate", "--out", Of("anna.p12"),
            "--password-file", Of("password"), .. more]);
        return X509CertificateLoader.LoadPkcs12FromFile(Of("anna.p12"), Password);
    }

    private string Of(string name) => Path.Combine(_folder.FullName, name);

    private static async Task<string> RunAsync(params string[] words)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(words, output, errors, TestContext.Current.CancellationToken);
        Assert.True(code == ExitCode.Success, errors.ToString());
        return output.ToString();
    }

    private static async Task RefusedAsync(string says, params string[] words)
    {
        var errors = new StringWriter();
        Assert.Equal(ExitCode.Usage, await CommandLine.RunAsync(words, TextWriter.Null, errors, TestContext.Current.CancellationToken));
        Assert.Contains(says, errors.ToString(), StringComparison.Ordinal);
        Assert.Single(errors.ToString().TrimEnd().Split('\n'));
    }
}
