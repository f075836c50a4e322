using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin disk | gc</c>: what the coordinator keeps, and freeing what nobody needs.</summary>
internal static class DiskCommands
{
    // A clean-up looks at every blob.
    private static readonly TimeSpan GcLimit = TimeSpan.FromMinutes(5);

    public static Command Disk() =>
        new Command("disk", "What the coordinator's data folder holds, and what is free beside it.")
            .Writes(typeof(DiskJson)).RunsAtCoordinator(async (_, output, connection, cancellationToken) =>
    {
        var disk = await connection.Upkeep.ShowDiskAsync(new ShowDiskRequest(), connection.Call(cancellationToken));
        var json = new DiskJson(disk.Folder, disk.FreeBytes, disk.Parts.Sum(part => part.Bytes),
            [.. disk.Parts.Select(part => new DiskPartJson(part.Name, part.Bytes, part.Files))]);
        output.Result(json, console =>
        {
            var table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(disk.Folder)).AddColumns("part", "size", "files");
            foreach (var part in disk.Parts)
                table.AddRow(Markup.Escape(part.Name), Units.Bytes(part.Bytes), $"{part.Files}");
            table.AddRow("in all", Units.Bytes(json.Bytes), $"{disk.Parts.Sum(part => part.Files)}");
            table.AddRow("free", Units.Bytes(disk.FreeBytes), "");
            console.Write(table);
        });
    });

    public static Command Gc() =>
        new Command("gc",
            "Remove now what the hourly clean-up would: uploads abandoned for a day, and blobs a day old that no federation has needed for "
                + "half an hour.")
        .Writes(typeof(GoneJson)).RunsAtCoordinator(async (_, output, connection, cancellationToken) =>
        {
            var gone = await connection.Upkeep.CollectGarbageAsync(new CollectGarbageRequest(),
                connection.Options(cancellationToken, GcLimit));
            output.Result(new GoneJson(gone.Uploads, gone.Blobs, gone.Waiting), console =>
            {
                console.WriteLine($"{gone.Uploads} abandoned uploads and {gone.Blobs} blobs are gone.");
                if (gone.Waiting > 0)
                    console.WriteLine($"{gone.Waiting} more that no federation needs go later: once they are a day old, and were found so "
                        + "half an hour before.");
            });
        });
}

/// <summary>What lies in a data folder, as <c>--json</c> shows it.</summary>
internal sealed record DiskJson(string Folder, long FreeBytes, long Bytes, IReadOnlyList<DiskPartJson> Parts);

/// <summary>One part of it.</summary>
internal sealed record DiskPartJson(string Name, long Bytes, long Files);

/// <summary>What a clean-up removed, as <c>--json</c> shows it.</summary>
/// <param name="Uploads">Abandoned half-way.</param>
/// <param name="Blobs">That no federation needs.</param>
/// <param name="Waiting">As many more go later: once they are a day old, and were found so half an hour before.</param>
internal sealed record GoneJson(long Uploads, long Blobs, long Waiting);
