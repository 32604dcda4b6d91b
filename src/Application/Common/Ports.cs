using Microsoft.EntityFrameworkCore;
using Secrets.Application.Encryption;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Common;

/// <summary>The database as use cases see it.</summary>
public interface ISecretsDb
{
    DbSet<Secret> Secrets { get; }

    DbSet<Owner> Owners { get; }

    DbSet<ApiKey> ApiKeys { get; }

    DbSet<AuditEntry> Audit { get; }

    /// <summary>
    /// For the work of <see cref="InTransactionAsync"/>: locks an owner until the end of the transaction, and verifies everything that the owner has. Secrets are changed under this lock
    /// only; what the changes make of the owner's account is saved with them.
    /// </summary>
    /// <exception cref="TamperedOwnerException">It does not verify.</exception>
    Task<OwnerUse> LockAsync(SecretOwner owner, CancellationToken cancellationToken);

    /// <summary>The same for the API keys that act for a user.</summary>
    /// <exception cref="TamperedOwnerException">They do not verify.</exception>
    Task LockKeysAsync(Guid userId, CancellationToken cancellationToken);

    /// <summary>
    /// Runs <paramref name="work"/>, saves what it changed and commits. On some databases the whole is run again where it fails in a way that
    /// is known to pass, so the work must not have effects of its own.
    /// </summary>
    /// <exception cref="UniqueViolationException">A unique rule of the database was violated; nothing was stored.</exception>
    /// <exception cref="UnavailableException">The audit cannot be written; nothing was stored.</exception>
    Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>
    /// The same for a write of one owner. Within this process such writes wait for each other before they take a connection, so that those of one owner do not take all.
    /// </summary>
    /// <exception cref="UnavailableException">Too many writes of the owner wait already, or the audit cannot be written; nothing was stored.</exception>
    Task<T> InTransactionOfAsync<T>(SecretOwner owner, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>For the work of <see cref="InTransactionAsync"/>: writes this to the audit in the same transaction.</summary>
    void Record(AuditEvent fact);
}

/// <summary>Owners whose stored rows do not verify, as far as this process has met them.</summary>
public interface IIntegrityReport
{
    /// <summary>How many owners there are, and since when the first of them.</summary>
    (int Owners, DateTimeOffset? Since) State { get; }
}

/// <summary>What an owner has.</summary>
/// <param name="Bytes">UTF-8 bytes of all values.</param>
/// <param name="Secrets">How many secrets there are.</param>
public readonly record struct OwnerUse(long Bytes, int Secrets);

/// <summary>
/// Stores new secrets, those of many requests in one transaction. It either stores or does not: why not is for the ordinary way
/// (<see cref="ISecretsDb.InTransactionAsync"/>) to find out.
/// </summary>
public interface INewSecrets
{
    /// <summary>
    /// Stores a secret and charges its owner; null, and nothing of that, when a unique rule or the quota is in the way, its data key is no
    /// longer the one to seal with, or it is more than one row.
    /// </summary>
    /// <param name="secret">The secret, sealed ahead (<see cref="ISealer.SealAheadAsync"/>).</param>
    /// <param name="fact">What the audit says of it, in the same transaction.</param>
    /// <param name="cancellationToken">Counts until its transaction begins.</param>
    Task<NewSecret?> TryStoreAsync(Secret secret, AuditEvent fact, CancellationToken cancellationToken);
}

/// <summary>A secret that was stored, and the other defaults of its owner that it may overlap with.</summary>
public sealed record NewSecret(IReadOnlyList<Rival> Rivals);

/// <summary>A default that may overlap with another.</summary>
/// <param name="Id">The secret.</param>
/// <param name="Name">Its name.</param>
/// <param name="ToolName">Its tool or pattern.</param>
public sealed record Rival(Guid Id, string Name, string ToolName)
{
    /// <summary>How many a stored default is compared with, at most.</summary>
    public const int MaxCount = 500;
}

/// <summary>The audit, for what has no transaction of its own.</summary>
public interface IAuditLog
{
    /// <summary>Writes events, at least one; they are durable when this returns.</summary>
    /// <exception cref="UnavailableException">They could not be written, or nobody knows whether they were.</exception>
    Task<AuditReceipt> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken);

    /// <summary>
    /// Writes events, or none, provided that what they rest on still holds at the moment of writing. It is asked and written in one step: what holds
    /// then was true at a moment after the call began.
    /// </summary>
    /// <exception cref="UnauthenticatedException">The caller's key is no longer accepted; nothing was written.</exception>
    /// <exception cref="UnavailableException">They could not be written, or nobody knows whether they were.</exception>
    Task<Confirmation> AppendAsync(IReadOnlyList<AuditEvent> events, Grounds grounds, CancellationToken cancellationToken);
}

/// <summary>Writes refusals to the audit, at most so many a minute for each caller.</summary>
public interface IDenialLog
{
    /// <summary>Writes a refusal; it is durable when this returns.</summary>
    /// <param name="caller">Who was refused.</param>
    /// <param name="denial">The refusal.</param>
    /// <param name="grounds">What it rests on.</param>
    /// <exception cref="TooManyDenialsException">It is only counted.</exception>
    /// <exception cref="UnauthenticatedException">The caller's key is no longer accepted; nothing was written.</exception>
    /// <exception cref="UnavailableException">It could not be written, or nobody knows whether it was.</exception>
    Task WriteAsync(RefusedCaller caller, AuditEvent denial, Grounds grounds);

    /// <summary>Counts a refusal that is answered without a row.</summary>
    void LeaveOut(RefusedCaller caller, AuditEvent denial);
}

/// <summary>Whose refusals are counted together.</summary>
/// <param name="UserId">The user that the credential acts for.</param>
/// <param name="IsAccepted">Whether the credential is accepted. Whoever has one that is not must not use up what the user's others have.</param>
/// <param name="ActsFor">The user whom the caller may name and named; null: none.</param>
public readonly record struct RefusedCaller(Guid UserId, bool IsAccepted, Guid? ActsFor);

/// <summary>What an answer rests on that was remembered and not read for it.</summary>
/// <param name="Owners">Owners whose secrets were remembered.</param>
/// <param name="Key">The caller's key, if that was.</param>
public sealed record Grounds(IReadOnlyList<OwnerStamp> Owners, CachedKey? Key)
{
    /// <summary>Nothing was remembered.</summary>
    public static readonly Grounds None = new([], Key: null);
}

/// <summary>An owner's secrets as they were when the owner's stamp and version were these (<see cref="Owner.Stamp"/>, <see cref="Owner.Version"/>).</summary>
public readonly record struct OwnerStamp(SecretOwner Owner, long Stamp, long Version);

/// <summary>A key that was verified in a version of its user's keys, when their stamp was this.</summary>
public sealed record CachedKey(ApiKey Key, long Version, long Stamp);

/// <summary>Whether what was remembered still held.</summary>
/// <param name="Holds">If not, nothing was written: the secrets of an owner have changed.</param>
/// <param name="Receipt">Where the audit has the events; null: nothing was written.</param>
public readonly record struct Confirmation(bool Holds, AuditReceipt? Receipt);

/// <summary>Where in the audit the last of some events is.</summary>
/// <param name="Writer">Whose chain.</param>
/// <param name="Sequence">Its place in that chain.</param>
/// <param name="Hash">Its hash: whoever keeps it can tell later that nothing up to there was changed.</param>
public sealed record AuditReceipt(Guid Writer, long Sequence, byte[] Hash);

/// <summary>Checks the audit.</summary>
public interface IAuditVerifier
{
    /// <summary>Reads the whole audit as it stands at one moment, in bounded memory.</summary>
    /// <param name="kept">Where the chains ended earlier; null: that is not known.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="InvalidRequestException">The checkpoint was not made by this installation.</exception>
    Task<AuditVerdict> VerifyAsync(AuditCheckpoint? kept, CancellationToken cancellationToken);

    /// <summary>Where all chains end at this moment.</summary>
    /// <exception cref="ConflictException">They do not verify: a checkpoint would bless them.</exception>
    Task<AuditCheckpoint> MakeCheckpointAsync(CancellationToken cancellationToken);
}

/// <summary>What a check of the audit found.</summary>
/// <param name="Checked">Rows that were read.</param>
/// <param name="FirstBroken">The first row that is not as it was written, or is missing; null: everything that is there is as it was written.</param>
/// <param name="Missing">Rows that a checkpoint says were there.</param>
/// <param name="Owners">Accounts that are older than their last change in the audit.</param>
public sealed record AuditVerdict(long Checked, AuditPlace? FirstBroken, IReadOnlyList<MissingRows> Missing, IReadOnlyList<OutdatedAccount> Owners);

/// <summary>An account that is older than its last change in the audit: it was set back.</summary>
/// <param name="Owner">Whose it is.</param>
/// <param name="IsOfKeys">Whether it is that of the user's API keys.</param>
/// <param name="Version">Its version; 0: it is gone.</param>
/// <param name="Audited">The version that the audit has.</param>
public sealed record OutdatedAccount(SecretOwner Owner, bool IsOfKeys, long Version, long Audited);

/// <summary>A place in the audit.</summary>
/// <param name="Writer">Whose chain; the nil uuid where a whole chain is missing.</param>
/// <param name="Sequence">The row's place in it; of a missing chain its writer's number, 0 where the list of chains cannot be read.</param>
public sealed record AuditPlace(Guid Writer, long Sequence);

/// <summary>The unique rules that a use case can run into.</summary>
public enum UniqueRule
{
    /// <summary>One name per owner.</summary>
    SecretName,

    /// <summary>One default per owner, tool pattern and argument.</summary>
    SecretDefault,

    /// <summary>Any other.</summary>
    Other,
}

/// <summary>The database refused a row because of a unique rule.</summary>
public sealed class UniqueViolationException(UniqueRule rule, object? entity, Exception inner)
    : Exception("A unique rule of the database was violated.", inner)
{
    /// <summary>The rule.</summary>
    public UniqueRule Rule => rule;

    /// <summary>The entity that was refused, where the provider names it.</summary>
    public object? Entity => entity;
}

/// <summary>Seals values for the row they belong to, and opens them there and nowhere else.</summary>
public interface ISealer
{
    /// <summary>
    /// Seals a value, in a transaction (<see cref="ISecretsDb.InTransactionAsync"/>) that has locked the owner: until its end the data key stays the one
    /// that new values are sealed with. One is made, in the transaction, where there is none.
    /// </summary>
    /// <exception cref="ConflictException">There is a data key, and it does not unwrap.</exception>
    Task<byte[]> SealAsync(Placement placement, SecretValue value, CancellationToken cancellationToken);

    /// <summary>
    /// Seals a value outside of any transaction, with a data key that may have been replaced or deleted meanwhile: only for <see cref="INewSecrets"/>, which
    /// does not store what was sealed with such a key. The owner's account and data key are made when they do not exist.
    /// </summary>
    /// <exception cref="ConflictException">There is a data key, and it does not unwrap.</exception>
    Task<byte[]> SealAheadAsync(Placement placement, SecretValue value, CancellationToken cancellationToken);

    /// <summary>Opens an envelope.</summary>
    /// <exception cref="BrokenSealException">The envelope or the placement is not what was sealed.</exception>
    ValueTask<SecretValue> OpenAsync(Placement placement, ReadOnlyMemory<byte> envelope, CancellationToken cancellationToken);
}

/// <summary>Replaces the keys that seal values, and the keys above those.</summary>
public interface IKeyRotation
{
    /// <summary>Has every key of a layer replaced that there is at this moment, later and behind the requests.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="fact">What the audit says of it, in the same transaction.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task RequestAsync(KeyLayer layer, AuditEvent fact, CancellationToken cancellationToken);

    /// <summary>How far it is.</summary>
    Task<EncryptionState> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>Where the secrets that may fill a tool call are found. What is read is never older than the question.</summary>
public interface IResolutionStore
{
    /// <summary>
    /// Those of an owner's secrets that decide how a call is filled. There may be more in the answer; what an unknown owner has is empty.
    /// </summary>
    /// <param name="owner">The owner.</param>
    /// <param name="call">The call.</param>
    /// <param name="mayRemember">Whether the answer may be one that has to be confirmed before anything that it leads to leaves.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<FoundCandidates> FindAsync(SecretOwner owner, ToolCall call, bool mayRemember, CancellationToken cancellationToken);

    /// <summary>
    /// All of an owner's defaults, and the secrets that a call refers to: what it takes to say why the others are not chosen.
    /// </summary>
    Task<OwnerCandidates> ReadAllAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken);
}

/// <summary>What may fill a tool call, and how it was found.</summary>
/// <param name="Candidates">The candidates.</param>
/// <param name="Remembered">What has to be confirmed because this was remembered; null: it was read.</param>
public readonly record struct FoundCandidates(OwnerCandidates Candidates, OwnerStamp? Remembered);

/// <summary>Tells who presents a credential: an API key or a JWT.</summary>
public interface ICredentialAuthenticator
{
    /// <summary>Judges a credential.</summary>
    /// <param name="text">The credential.</param>
    /// <param name="mayRemember">Whether the verdict may be one that has to be confirmed (<see cref="Caller.Remembered"/>).</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="UnavailableException">It cannot be judged now.</exception>
    ValueTask<CredentialVerdict> AuthenticateAsync(string text, bool mayRemember, CancellationToken cancellationToken);

    /// <summary>Whether a key that was remembered is still accepted, as the database has it now.</summary>
    /// <exception cref="UnavailableException">It cannot be judged now.</exception>
    Task<bool> ConfirmAsync(CachedKey key, CancellationToken cancellationToken);
}

/// <summary>The users who run the installation: the user of the bootstrap key, and every user for whom an operator's key acts.</summary>
public interface IOperators
{
    /// <summary>Whether a user is one of them at this moment.</summary>
    /// <exception cref="TamperedOwnerException">The user's keys do not verify.</exception>
    Task<bool> ContainAsync(Guid userId, CancellationToken cancellationToken);
}

/// <summary>Turns names of users (<see cref="UserName"/>) into ids.</summary>
public interface IUserNames
{
    /// <summary>
    /// The user whom the issuer of tokens calls by this name; null: tokens of any issuer are accepted, and no setting says whose names are meant.
    /// </summary>
    /// <exception cref="UnavailableException">The issuer is not known yet, or is not the one that names were first turned into ids with.</exception>
    ValueTask<Guid?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Whether a name is that of a user, for callers who may name nobody but themselves. Nothing is stored or fetched for it: while the issuer is not known, the name is nobody's.
    /// </summary>
    bool IsNameOf(string name, Guid userId);
}

/// <summary>Whom a credential stands for, or why it is not accepted, in words for the log.</summary>
public sealed record CredentialVerdict
{
    public CredentialVerdict(Caller caller) => Caller = caller;

    public CredentialVerdict(string refusal) => Refusal = refusal;

    /// <summary>A key that is known and yet refused.</summary>
    public CredentialVerdict(string refusal, ApiKey key)
        : this(refusal) => RefusedKey = key;

    /// <summary>Whom an accepted credential stands for.</summary>
    public Caller? Caller { get; }

    /// <summary>Why the credential is refused.</summary>
    public string? Refusal { get; }

    /// <summary>The refused key, where it is known.</summary>
    public ApiKey? RefusedKey { get; }

    /// <summary>The subject that a refused token names; null: it names none, or is no token.</summary>
    public string? Subject { get; init; }

    /// <summary>Whether a refused token has a valid signature, so that its subject is believed.</summary>
    public bool IsSigned { get; init; }
}
