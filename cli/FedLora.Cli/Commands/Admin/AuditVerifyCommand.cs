using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Core.Audit;
using FedLora.Protocol.Transfer;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary>
/// <c>fedlora admin audit verify</c>: whether a log was cut or edited; reads its files, beside a program that writes them or not.
/// </summary>
internal static class AuditVerifyCommand
{
    public static Command Create()
    {
        var folder = new Option<string?>("--folder")
        {
            Description = "The log's folder, e.g. a node's (audit in its state folder) or a copy; by default the one in --data.",
        };
        var head = new Option<string?>("--head")
        {
            Description = "A hash that this command printed before: it must still be in the log. Shows a log that was written anew.",
        };
        return new Command("verify", "Check that an audit log is whole: no line cut, edited, removed or put in.") { folder, head }
            .Writes(typeof(AuditJson)).Runs((parsed, output, cancellationToken) =>
            {
                var path = parsed.GetValue(folder) ?? (Operator.DataOf(parsed) is { } data ? AuditLog.FolderIn(data) : null)
                    ?? throw new UsageException("no audit log is named",
                        "Give --data DIR of the coordinator before 'audit', or --folder DIR.");
                var json = Check(path, parsed.GetValue(head), cancellationToken);
                output.Result(json, console =>
                {
                    console.WriteLine($"{json.Folder} is whole. Entries: {json.Entries}, from {json.First:u} to {json.Last:u}.");
                    console.WriteLine($"Head: {json.Head}");
                    console.WriteLine("Keep the head elsewhere: with --head HEAD a later check shows a log that was written anew.");
                });
                return Task.CompletedTask;
            });
    }

    private static AuditJson Check(string folder, string? head, CancellationToken cancellationToken)
    {
        if (head is not null && !Sha256Hex.IsValid(head))
            throw new UsageException("--head is not a hash", "Give the 64 digits that this command printed as the head.");
        var (first, last, isThere) = ((AuditEntry?)null, (AuditEntry?)null, false);
        foreach (var entry in AuditFiles.Read(folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            first ??= entry;
            last = entry;
            isThere |= entry.Hash == head;
        }
        if (first is null || last is null)
            throw new FedLoraException("audit-missing", $"there is no audit log in {folder}",
                "A coordinator keeps it in the folder audit of its data folder, a node in that of its state folder.");
        if (head is not null && !isThere)
            throw new FedLoraException("audit-damaged", $"the log in {folder} is whole in itself, but no entry has the hash {head}",
                "It was written anew, or cut before that entry; compare it with a copy.");
        return new AuditJson(Path.GetFullPath(folder), last.Sequence, first.At, last.At, last.Hash);
    }
}

/// <param name="Folder">The log's.</param>
/// <param name="Entries">How many, each with the hash of the one before.</param>
/// <param name="First">When the first was written.</param>
/// <param name="Last">When the newest was.</param>
/// <param name="Head">The newest entry's hash.</param>
internal sealed record AuditJson(string Folder, long Entries, DateTimeOffset First, DateTimeOffset Last, string Head);
