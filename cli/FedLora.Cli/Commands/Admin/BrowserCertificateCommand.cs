using System.CommandLine;
using System.Security.Cryptography;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Server.Certificates;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin browser-certificate</c>: an operator's or auditor's certificate and key as a browser imports them.</summary>
internal static class BrowserCertificateCommand
{
    // A browser renews none.
    private const uint UsualDays = 90;
    private const int ShortestPassword = 8;

    // Against guessing the password of a file that was lost.
    private static readonly PbeParameters Encryption = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 100_000);

    public static Command Create()
    {
        var to = new Option<string>("--out") { Description = "File to write, PKCS#12 (.p12), for its owner only.", Required = true };
        var days = new Option<uint>("--days")
        {
            Description = $"How long it shall hold, 1 to {CertificateAuthority.MostDays}; a revocation ends it at once.",
            DefaultValueFactory = _ => UsualDays,
        };
        var passwordFile = new Option<string?>("--password-file")
        {
            Description = $"File with the password that the browser will ask for, {ShortestPassword} characters or more; without, it is "
                + "asked.",
        };
        return new Command("browser-certificate", "Write your certificate as a file that a browser imports, to open the dashboard by it.")
        {
            to,
            days,
            passwordFile,
        }.Writes(typeof(BrowserCertificateJson)).Runs(async (parsed, output, cancellationToken) =>
        {
            if (parsed.GetValue(days) is < 1 or > CertificateAuthority.MostDays)
                throw new UsageException($"--days must be 1 to {CertificateAuthority.MostDays}", $"e.g. --days {UsualDays}");
            var (url, holder) = await Operator.HolderAsync(parsed, cancellationToken);
            using (holder)
            {
                var password = parsed.GetValue(passwordFile) is { } file ? Read(file) : await AskAsync(output, cancellationToken);
                var target = Path.GetFullPath(parsed.GetValue(to)!);
                await Operator.ExplainedAsync(url, null, async () =>
                {
                    using var certificate = await Joining.IssueAsync(holder, new CoordinatorAddress(url), parsed.GetValue(days),
                        cancellationToken);
                    AtomicFile.WriteSecret(target, certificate.ExportPkcs12(Encryption, password));
                    output.Result(new BrowserCertificateJson(target, certificate.NotAfter.ToUniversalTime()), console =>
                    {
                        console.WriteLine($"{target} holds until {certificate.NotAfter.ToUniversalTime():u}.");
                        output.Remark("import it into the browser as a certificate of yours, start the browser anew, and open the "
                            + "dashboard's https address; whoever has file and password is you");
                    });
                }, cancellationToken);
            }
        });
    }

    private static string Read(string file)
    {
        try
        {
            return Long(File.ReadAllText(file).TrimEnd('\r', '\n'), file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"the password cannot be read: {error.Message}", "Name the file that holds it with --password-file.");
        }
    }

    private static async Task<string> AskAsync(CommandOutput output, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected)
            throw new UsageException("nobody is there to be asked for a password", "Give --password-file FILE.");
        var password = Long(await AskAsync("Password of the file: "), "what was typed");
        return await AskAsync("Again: ") == password ? password
            : throw new UsageException("the two passwords differ", "Run it again, or give --password-file FILE.");

        Task<string> AskAsync(string what) =>
            new TextPrompt<string>(what).Secret().AllowEmpty().ShowAsync(output.Progress, cancellationToken);
    }

    private static string Long(string password, string where) => password.Length >= ShortestPassword ? password
        : throw new UsageException($"the password ({where}) has {password.Length} characters, fewer than {ShortestPassword}",
            "Take a longer one: it is all that guards the key in the file.");
}

/// <param name="File">The PKCS#12 file.</param>
/// <param name="Until">When its certificate ends.</param>
internal sealed record BrowserCertificateJson(string File, DateTime Until);
