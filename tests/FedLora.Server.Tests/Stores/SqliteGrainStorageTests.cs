using FedLora.Server.Stores;
using Orleans.Storage;

namespace FedLora.Server.Tests.Stores;

public sealed class SqliteGrainStorageTests : GrainStorageSuite, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-sqlite-");

    public SqliteGrainStorageTests() => Storage = Reopened();

    protected override IGrainStorage Storage { get; }

    protected override IGrainStorage Reopened() => new SqliteGrainStorage(new SqliteDatabase(Path.Combine(_folder.FullName, "state.db")));

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Delete(recursive: true);
    }
}
