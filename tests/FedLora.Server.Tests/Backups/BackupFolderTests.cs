using System.Text;
using FedLora.Core.Audit;
using FedLora.Server.Authentication;
using FedLora.Server.Backups;
using FedLora.Server.Stores;
using FedLora.Server.Stores.Postgres;
using FedLora.Tests;

namespace FedLora.Server.Tests.Backups;

/// <summary>What a backup copies, what a restore refuses, and how a state comes to PostgreSQL and back; no coordinator runs here.</summary>
public sealed class BackupFolderTests : IAsyncLifetime, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-backup-tests-");
    private readonly FileBlobStore _blobs;
    private readonly SqliteDatabase _state;
    private readonly SqliteGrainStorage _storage;
    private readonly GrainId _grain = GrainId.Create("test", "one");
    private string _blob = "";

    public BackupFolderTests()
    {
        Directory.CreateDirectory(Data);
        _blobs = new FileBlobStore(Data);
        _state = new SqliteDatabase(Path.Combine(Data, "state.db"));
        _storage = new SqliteGrainStorage(_state);
        AccessTokens.Ensure(Data);
    }

    private string Data => Path.Combine(_folder.FullName, "data");

    private string Backups => Path.Combine(_folder.FullName, "backups");

    private string Restored => Path.Combine(_folder.FullName, "restored");

    public async ValueTask InitializeAsync()
    {
        await _storage.WriteStateAsync("kind", _grain, new GrainState<Kept> { State = new() { Text = "ä \u0000 '" } });
        _blob = await PutAsync("first");
    }

    [Fact]
    public async Task Only_what_is_new_is_copied_and_only_the_newest_are_kept()
    {
        var first = await TakeAsync();
        Assert.Equal((1, first.Bytes), (first.Blobs, first.NewBytes));
        Assert.Equal(0, (await TakeAsync()).NewBytes);
        await _blobs.DeleteAsync(_blob, default);
        var other = await PutAsync("second one");
        var third = await TakeAsync(keep: 1);
        Assert.Equal((1, 10, 2), (third.Blobs, third.NewBytes, third.Removed));
        Assert.Equal(Path.Combine(Backups, third.Name + ".json"), Assert.Single(Directory.GetFiles(Backups, "*.json")));
        Assert.False(File.Exists(ObjectOf(_blob)));
        Assert.True(File.Exists(ObjectOf(other)));
    }

    [Fact]
    public void One_of_a_coordinator_that_does_not_run_is_noted_in_its_audit_log()
    {
        Assert.True(BackupNote.TryAppend(Data, "one in there", "done", TimeProvider.System));
        using (HeldFile.TryOpen(Path.Combine(Data, "lock")))
            Assert.False(BackupNote.TryAppend(Data, "two in there", "done", TimeProvider.System));
        var entry = Assert.Single(AuditFiles.Read(AuditLog.FolderIn(Data)));
        Assert.Equal(("Backup", "one in there", "done"), (entry.Fields["action"], entry.Fields["subject"], entry.Fields["outcome"]));
    }

    [Fact]
    public async Task What_is_restored_is_what_was_saved_and_for_its_owner_only()
    {
        File.WriteAllText(Path.Combine(Data, "authority.key"), "a key");
        Directory.CreateDirectory(Path.Combine(Data, "audit"));
        await TakeAsync();
        await RestoreAsync();
        Assert.Equal("a key", File.ReadAllText(Path.Combine(Restored, "authority.key")));
        Assert.Equal("first", File.ReadAllText(CoordinatorFiles.BlobOf(Restored, _blob)));
        Assert.Equal(AccessTokens.Fingerprint(Data), AccessTokens.Fingerprint(Restored));
        using (var state = new SqliteDatabase(Path.Combine(Restored, "state.db")))
        {
            var kept = new GrainState<Kept>();
            await new SqliteGrainStorage(state).ReadStateAsync("kind", _grain, kept);
            Assert.Equal(("ä \u0000 '", "1"), (kept.State!.Text, kept.ETag));
        }

        if (OperatingSystem.IsWindows())
            return;
        string[] made = [.. Directory.EnumerateFiles(Path.Combine(Backups, "objects"), "*", SearchOption.AllDirectories),
            Path.Combine(Restored, "authority.key"), Path.Combine(Restored, "state.db"), CoordinatorFiles.BlobOf(Restored, _blob)];
        foreach (var path in made)
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task A_flipped_bit_or_a_lost_file_is_named_and_nothing_is_restored()
    {
        await TakeAsync();
        var path = ObjectOf(_blob);
        File.WriteAllText(path, "fjrst");
        var error = await FailsAsync("backup-damaged", () => CoordinatorRestore.CheckAsync(Backups, null, null, default));
        Assert.Contains(_blob, error.Message, StringComparison.Ordinal);
        await FailsAsync("backup-damaged", RestoreAsync);
        // It is taken for what it is named, unless it is read again.
        Assert.Equal(0, (await TakeAsync()).NewBytes);
        await FailsAsync("backup-damaged", RestoreAsync);
        await TakeAsync(reread: true);
        Assert.Equal(1, (await CoordinatorRestore.CheckAsync(Backups, null, null, default)).Blobs);
        File.Delete(path);
        await FailsAsync("backup-damaged", RestoreAsync);
        Assert.Equal(["backups", "data"], _folder.EnumerateDirectories().Select(folder => folder.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_blob_that_is_damaged_in_the_store_is_named_and_the_rest_is_saved()
    {
        File.WriteAllText(CoordinatorFiles.BlobOf(Data, _blob), "fjrst");
        await PutAsync("second");
        var taken = await TakeAsync();
        Assert.Equal((1, _blob), (taken.Blobs, Assert.Single(taken.Damaged)));
        await RestoreAsync();
    }

    [Fact]
    public async Task Where_something_is_nothing_is_restored()
    {
        await TakeAsync();
        Directory.CreateDirectory(Restored);
        File.WriteAllText(Path.Combine(Restored, "mine"), "");
        await FailsAsync("restore-not-empty", RestoreAsync);
        Assert.Equal("mine", Path.GetFileName(Assert.Single(Directory.EnumerateFileSystemEntries(Restored))));
        File.Delete(Path.Combine(Restored, "mine"));
        await RestoreAsync();
    }

    /// <summary>There are keys in what a restore that was killed leaves behind.</summary>
    [Fact]
    public async Task What_a_restore_that_was_killed_has_left_goes_with_the_next()
    {
        await TakeAsync();
        var left = Directory.CreateDirectory($"{Restored}.restoring-{Guid.NewGuid():N}");
        File.WriteAllText(Path.Combine(left.FullName, "authority.key"), "half");
        await RestoreAsync();
        Assert.False(Directory.Exists(left.FullName));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/etc/outside")]
    [InlineData("audit/../../outside")]
    [InlineData(".hidden")]
    [InlineData("blobs/outside")]
    public async Task A_manifest_that_leaves_its_folder_is_refused(string path)
    {
        var taken = await TakeAsync();
        var manifest = Path.Combine(Backups, taken.Name + ".json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("operator.token", path, StringComparison.Ordinal));
        await FailsAsync("backup-invalid", RestoreAsync);
    }

    [Fact]
    public async Task Each_coordinator_has_a_folder_of_its_own()
    {
        await TakeAsync();
        File.WriteAllText(AccessTokens.FileOf(Data, Roles.Operator), new string('x', 64));
        await FailsAsync("backup-other", () => TakeAsync());
        Directory.CreateDirectory(Restored);
        await FailsAsync("backup-nothing", () => TakeAsync(from: Restored));
        await FailsAsync("backup-missing", () => CoordinatorRestore.CheckAsync(Data, null, null, default));
        await FailsAsync("backup-invalid", () => TakeAsync(to: Data));
    }

    [Fact]
    public async Task To_PostgreSQL_and_back_nothing_changes()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        await TakeAsync();
        var postgres = PostgresServer.NewDatabase();
        await RestoreAsync(postgres);
        await FailsAsync("postgres-not-empty", () => RestoreAsync(postgres, Path.Combine(_folder.FullName, "again")));
        Assert.False(File.Exists(Path.Combine(Restored, "state.db")));
        await FailsAsync("state-elsewhere", () => TakeAsync(from: Restored));
        await using (var database = PostgresDatabase.Open(postgres))
        {
            await using var blob = await new PostgresBlobStore(database).OpenReadAsync(_blob, default);
            Assert.Equal("first", await new StreamReader(blob).ReadToEndAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(1, (await TakeAsync(from: Restored, postgres: postgres)).Blobs);
        var back = Path.Combine(_folder.FullName, "back");
        await RestoreAsync(null, back);
        Assert.Equal(StateRows.Read(Path.Combine(Data, "state.db")), StateRows.Read(Path.Combine(back, "state.db")));
    }

    [Fact]
    public async Task A_move_leaves_the_folder_to_the_database()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        var postgres = PostgresServer.NewDatabase();
        Assert.Equal("state-here", Assert.Throws<FedLoraException>(() => StateElsewhere.Require(Data, postgres)).Code);
        File.WriteAllText(CoordinatorFiles.BlobOf(Data, _blob), "fjrst");
        await FailsAsync("blob-damaged", MoveAsync);
        StateElsewhere.Require(Data, null);
        File.WriteAllText(CoordinatorFiles.BlobOf(Data, _blob), "first");
        Assert.Equal(new StateMoved(1, 1, 5), await MoveAsync());
        StateElsewhere.Require(Data, postgres);
        Assert.Equal("state-elsewhere", Assert.Throws<FedLoraException>(() => StateElsewhere.Require(Data, null)).Code);

        Task<StateMoved> MoveAsync() => CoordinatorMove.RunAsync(Data, postgres, null, TimeProvider.System, default);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        _state.Dispose();
        _blobs.Dispose();
        if (_folder.Exists)
            _folder.Delete(recursive: true);
        _folder.Refresh();
    }

    private string ObjectOf(string sha256) => Path.Combine(Backups, "objects", sha256[..2], sha256);

    private Task<string> PutAsync(string text) =>
        _blobs.PutAsync((stream, token) => stream.WriteAsync(Encoding.UTF8.GetBytes(text), token).AsTask(), default);

    private Task<BackupTaken> TakeAsync(int? keep = null, bool reread = false, string? from = null, string? to = null,
        string? postgres = null) =>
        CoordinatorBackup.TakeAsync(from ?? Data, postgres, to ?? Backups, keep, reread, null, TimeProvider.System, default);

    private Task<BackupRestored> RestoreAsync() => RestoreAsync(null);

    private Task<BackupRestored> RestoreAsync(string? postgres, string? to = null) =>
        CoordinatorRestore.RestoreAsync(Backups, null, to ?? Restored, postgres, null, TimeProvider.System, default);

    private static async Task<FedLoraException> FailsAsync(string code, Func<Task> action)
    {
        var error = await Assert.ThrowsAsync<FedLoraException>(action);
        Assert.Equal(code, error.Code);
        return error;
    }

    private sealed class Kept
    {
        public string Text { get; set; } = "";
    }
}
