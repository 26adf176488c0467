# The phase finish: a new server is offline until the gate puts it into rotation.

# Exchange answers some minutes after its setup or a restart.
$FinishSeconds = 900
$FinishPollSeconds = 15

# Whether no setup of ours waits for its finish. Its file is there from before setup until the finish is complete, so an
# Exchange that was installed otherwise is never taken offline. Install-ExchangeServer.ps1 calls it, too.
function Test-FinishPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null -eq (Read-InstallationFile -Folder $Installation.Folder -Name $SetupRunFile)
}

# Sets ServerWideOffline Inactive as the requester Maintenance, and restarts the machine once if setup asks for it.
function Start-FinishPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $run = Read-InstallationFile -Folder $Installation.Folder -Name $SetupRunFile
    Assert-ServiceConnectionPoint -Installation $Installation
    Set-ServerOffline -Installation $Installation
    if (-not (Get-Key $run 'restarted') -and -not (Test-RestartPhase $Installation)) {
        $kept = [ordered]@{ domainController = Get-Key $run 'domainController'; restarted = $true }
        Write-InstallationFile -Folder $Installation.Folder -Name $SetupRunFile -Content $kept
        Exit-Installation -State 'restart' -Text 'Setup left a mark that Windows must restart'
    }
    Remove-InstallationFile -Folder $Installation.Folder -Name $SetupRunFile
}

function Assert-ServiceConnectionPoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if ($null -eq $Installation.ServiceUri) { return }
    $remedy = 'Let this server reach a domain controller, then run this again.'
    if (-not (Import-DirectoryModule)) {
        Stop-Installation $Installation -Cause 'PowerShell has no module ActiveDirectory' -Remedy $remedy
    }
    Set-ServiceConnectionPoint -Installation $Installation
    $controller = Get-SetupRunController -Installation $Installation
    $found = Invoke-Step -Subject $Installation.Phase -Remedy $remedy -Step {
        Find-ServiceConnectionPoint -Controller $controller
    }
    $uri = if ($null -ne $found) { "$($found.serviceBindingInformation)" }
    if ($uri -ceq $Installation.ServiceUri) { return }
    $cause = "The service connection point of Autodiscover is '$uri' on $controller, not $($Installation.ServiceUri)"
    $remedy = 'Give the operator the right to write it (Organization Management has it), then run this again.'
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}

function Set-ServerOffline {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $until = (Get-Date).AddSeconds($FinishSeconds)
    while ($true) {
        try {
            $exchange = Connect-Exchange -Document ([pscustomobject]@{
                    ExchangeVersion = $Installation.ExchangeVersion
                    Credential      = $null
                }) -Cmdlet $ComponentCmdlets
            break
        } catch {
            if ((Get-Date) -ge $until) { throw }
            Add-InstallationProgress -Installation $Installation -Text "waits for Exchange: $($_.Exception.Message)"
        }
        Start-Sleep -Seconds $FinishPollSeconds
    }
    try {
        $state = Read-ComponentState -Exchange $exchange
        $marks = $state['ServerWideOffline'].Marks
        if ($null -ne $marks -and $marks['Maintenance'] -eq 'Inactive') { return }
        Set-ComponentState -Exchange $exchange -Name 'ServerWideOffline' -State 'Inactive'
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
    Add-InstallationProgress -Installation $Installation -Text 'ServerWideOffline is Inactive until the gate'
}
