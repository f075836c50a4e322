using System.IO.Compression;
using FedLora.Adapters;
using FedLora.Federations.Exports;
using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Federations;

/// <summary>The global adapter after a round, as PEFT loads it, in one file.</summary>
internal sealed class AdapterDownload(FederationBook book, IBlobStore blobs)
{
    /// <exception cref="RefusedException"><c>round-unknown</c>, <c>blob-missing</c>: it is no longer kept.</exception>
    /// <exception cref="FedLoraException"><c>export-personalised</c>.</exception>
    internal async Task<IResult> ZipAsync(string name, int round, CancellationToken cancellationToken)
    {
        var view = await book.ViewAsync(name, cancellationToken);
        var adapter = await blobs.GetAdapterAsync((await book.Grain(name).AdapterAfterAsync(round, cancellationToken)).Sha256,
            cancellationToken);
        var folds = new List<AdapterState>();
        foreach (var fold in await book.Grain(name).FoldsAfterAsync(round, cancellationToken))
            folds.Add(await blobs.GetAdapterAsync(fold.Sha256, cancellationToken));
        var folder = Directory.CreateTempSubdirectory("fedlora-adapter-");
        try
        {
            AdapterExport.ToPeft(view.Definition, adapter, round, folds, PrivacyPromise.Of(view.Definition, round)).Write(folder.FullName);
            return Results.Stream(await PackAsync(folder.FullName, cancellationToken), "application/zip", $"{name}-round-{round}.zip");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Not in memory: an adapter may have hundreds of megabytes. The file goes when it is closed.
    private static async Task<Stream> PackAsync(string folder, CancellationToken cancellationToken)
    {
        var zip = new FileStream(Path.GetTempFileName(), FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16,
            FileOptions.DeleteOnClose | FileOptions.Asynchronous);
        try
        {
            await ZipFile.CreateFromDirectoryAsync(folder, zip, CompressionLevel.Fastest, includeBaseDirectory: false, cancellationToken);
            zip.Position = 0;
            return zip;
        }
        catch
        {
            await zip.DisposeAsync();
            throw;
        }
    }
}
