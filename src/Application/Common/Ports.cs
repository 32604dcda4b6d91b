using Microsoft.EntityFrameworkCore;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Common;

/// <summary>The database as use cases see it.</summary>
public interface ISecretsDb
{
    DbSet<Secret> Secrets { get; }

    DbSet<Owner> Owners { get; }

    DbSet<ApiKey> ApiKeys { get; }

    /// <summary>
    /// Adds to what the owner has stored, moves its stamp and locks its account until the end of the transaction; false, and nothing
    /// of that, when the total would pass <paramref name="most"/>.
    /// </summary>
    Task<bool> ChargeAsync(SecretOwner owner, long bytes, long most, CancellationToken cancellationToken);

    /// <summary>
    /// Runs <paramref name="work"/>, saves what it changed and commits. Where the connection fails in a way that is known to pass,
    /// the whole is run again, so the work must not have effects of its own.
    /// </summary>
    /// <exception cref="UniqueViolationException">A unique rule of the database was violated; nothing was stored.</exception>
    Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken);
}

/// <summary>
/// Stores new secrets, those of many requests in one transaction. It either stores or does not: why not is for the ordinary way
/// (<see cref="ISecretsDb.InTransactionAsync"/>) to find out.
/// </summary>
public interface INewSecrets
{
    /// <summary>
    /// Stores a secret and charges its owner; null, and nothing of that, when a unique rule or the quota is in the way, or the owner has
    /// no account yet.
    /// </summary>
    Task<NewSecret?> TryStoreAsync(Secret secret, CancellationToken cancellationToken);
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
    /// <summary>Seals a value. The owner's account and data key are made when they do not exist.</summary>
    Task<byte[]> SealAsync(Placement placement, SecretValue value, CancellationToken cancellationToken);

    /// <summary>Opens an envelope.</summary>
    /// <exception cref="BrokenSealException">The envelope or the placement is not what was sealed.</exception>
    Task<SecretValue> OpenAsync(Placement placement, ReadOnlyMemory<byte> envelope, CancellationToken cancellationToken);
}

/// <summary>Where the secrets that may fill a tool call are read. What is read is never older than the question.</summary>
public interface IResolutionStore
{
    /// <summary>
    /// Those of an owner's secrets that decide how a call is filled. There may be more in the answer; what an unknown owner has is empty.
    /// </summary>
    Task<OwnerCandidates> ReadAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken);

    /// <summary>
    /// All of an owner's defaults, and the secrets that a call refers to: what it takes to say why the others are not chosen.
    /// </summary>
    Task<OwnerCandidates> ReadAllAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken);
}

/// <summary>Tells who presents an API key.</summary>
public interface IApiKeyAuthenticator
{
    Task<ApiKeyVerdict> AuthenticateAsync(string text, CancellationToken cancellationToken);
}

/// <summary>Whom a key stands for, or why it is not accepted, in words for the log.</summary>
public sealed record ApiKeyVerdict
{
    public ApiKeyVerdict(Caller caller) => Caller = caller;

    public ApiKeyVerdict(string refusal) => Refusal = refusal;

    /// <summary>Whom an accepted key stands for.</summary>
    public Caller? Caller { get; }

    /// <summary>Why the key is refused.</summary>
    public string? Refusal { get; }
}
